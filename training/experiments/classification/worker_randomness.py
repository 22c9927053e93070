"""Do the workers of a DataLoader draw the same random numbers?

    python -m training.experiments.classification.worker_randomness --data-dir DIR

A data set that returns one random number for each index, through a DataLoader with several worker
processes, twice over. Where the numbers come from decides whether they are random.

Rows, one a way, number of workers and seed:

- ``way``: "numpy.random.rand()", "a Generator kept in the data set", "a Generator made in each
  worker", "torch.rand()".
- ``workers``: 0, 2 or 4; ``seed``; ``draws``: in an epoch.
- ``repeated``: share of the epoch's numbers that another index of the same epoch got too.
- ``repeated_next_epoch``: share of indices that get the same number in the next epoch.

``example``: the first eight numbers of each way with two workers.
"""

from __future__ import annotations

NAME = "worker_randomness"
QUESTION = "Do the workers of a DataLoader draw the same random numbers?"
