"""Good in training and poor in testing: what closes the gap?

    python -m training.experiments.classification.generalization_gap --data-dir DIR

A plain network learns from 5,000 images of CIFAR-10 until it knows them by heart. Each remedy is
added alone, and then one after another, in an order that was fixed before anything was measured.
Every variant has its own learning rate and the same number of steps. Half of the validation
images choose the epoch of early stopping; all figures are of the other half.

Rows, one a variant and seed:

- ``variant``: "plain", "flip and shift", "cutout", "weight decay", "dropout", "label smoothing",
  "BatchNorm", "smaller network", "early stopping", "nine times the data"; in the second series
  "+ flip and shift" and so on.
- ``series``: "alone" ("plain" belongs to it) or "one after another"; ``place``: 0, 1, … in it.
- ``seed``, ``learning_rate``, ``parameters``, ``images``.
- ``train_accuracy``, ``train_loss``: of the training images, as they are, in evaluation mode.
- ``accuracy``, ``loss``: of the held-out images.
- ``gap``: train_accuracy − accuracy; ``stopped_at``: the epoch (null unless it stops early).
"""

from __future__ import annotations

NAME = "generalization_gap"
QUESTION = "Good in training and poor in testing: what closes the gap?"
