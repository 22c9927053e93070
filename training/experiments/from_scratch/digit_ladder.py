"""From softmax regression to 99.6 % on MNIST: what does each step bring?

    python -m training.experiments.from_scratch.digit_ladder --data-dir DIR

Each rung is a NumPy network trained with its own learning rate, three times; the last rungs are the
recorded runs of the recipe (``zoo/bundle``).

Rows, one a rung and seed:

- ``rung``: 0, 1, …; ``name``: "softmax regression", "two layers, 32 units", "two layers, 300
  units", "LeNet-like", "with BatchNorm", "with augmentation", "the recipe".
- ``change``: what is new, in a few words; ``seed``; ``learning_rate`` (null for a recorded run).
- ``parameters``, ``epochs``.
- ``accuracy``: on the validation digits; ``errors``: wrong ones; ``n``: of how many.
- ``recorded``: true if the row comes from a model's record instead of this experiment.
"""

from __future__ import annotations

NAME = "digit_ladder"
QUESTION = "Which steps lead from softmax regression to 99.6 % on MNIST?"
