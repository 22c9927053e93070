"""Why does the validation loss jump from epoch to epoch while the training loss falls?

    python -m training.experiments.classification.validation_jumps --data-dir DIR

A small network learns from 10,000 images of CIFAR-10 with a constant learning rate or a cosine, in
batches of 32 or 256. After each epoch the loss of every validation image is kept, for the weights
as they are and for their moving average; validation sets of other sizes are drawn from these
afterwards, so that all factors are crossed. How much it jumps is the standard deviation of the
epoch-to-epoch change over the last third of the training.

Rows, one a combination and seed:

- ``schedule``: "constant" or "cosine"; ``batch``: 32 or 256.
- ``validation_images``: 250, 1000 or 5000; ``weights``: "last" or "averaged".
- ``seed``, ``learning_rate`` (own search for each schedule and batch).
- ``loss_jump``, ``accuracy_jump``: as above; for smaller validation sets the mean over draws.
- ``loss_last``, ``loss_best``, ``accuracy_last``, ``accuracy_best``, ``train_loss_last``.

``effects``: how much of the variance of log(loss_jump) each factor explains alone ({"factor",
"share", "ratio"}: ratio between the geometric means of its extreme levels), and "seed and
interactions". ``curves``: by schedule, batch and seed, a list over epochs of train_loss, loss,
accuracy, averaged_loss, averaged_accuracy, confidence (mean largest probability), wrong_loss (mean
loss of the wrong answers), right_loss: loss against accuracy, over-confidence.
"""

from __future__ import annotations

NAME = "validation_jumps"
QUESTION = "Why does the validation loss jump while the training loss falls?"
