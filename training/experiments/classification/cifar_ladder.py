"""From a plain network to 95 % on CIFAR-10: what does each step bring?

    python -m training.experiments.classification.cifar_ladder --data-dir DIR

Each rung is trained with its own learning rate, three times; the upper rungs are recorded runs of
the recipes (``zoo/experiments/cifar_time_to_94.json``, ``zoo/bundle``).

Rows, one a rung and seed, as `digit_ladder` has them:

- ``rung``, ``name``, ``change``, ``seed``, ``learning_rate``, ``parameters``, ``epochs``.
- ``accuracy``: on the validation images (recorded runs: as their record says, see ``split``).
- ``split``: "validation" or "test"; ``recorded``: true if the row comes from a record.
"""

from __future__ import annotations

NAME = "cifar_ladder"
QUESTION = "Which steps lead from a plain CIFAR-10 network to 95 %?"
