"""What does it cost not to shuffle the training images?

    python -m training.experiments.classification.data_order --data-dir DIR

The small network learns the same images in four orders, each with its own learning rate.

Rows, one an order and seed:

- ``order``: "shuffled each epoch", "shuffled once", "sorted by class", "equal random numbers in all
  workers" (shuffled; but each image of a round of workers gets the same flip and shift).
- ``seed``, ``learning_rate``.
- ``train_loss``: of the last epoch; ``accuracy``, ``loss``: on the validation images.
- ``classes_in_batch``: how many classes a batch holds on average.

``curves``: by order and seed, validation accuracy and loss after each epoch.
"""

from __future__ import annotations

NAME = "data_order"
QUESTION = "What does it cost not to shuffle the training images?"
