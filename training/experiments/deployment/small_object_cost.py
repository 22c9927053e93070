"""What do tiles and a larger working resolution cost in time?

    python -m training.experiments.deployment.small_object_cost --data-dir DIR

The remedies of `segmentation.small_objects`, on the small U-Net with and without its extra fine
level, take turns on an idle machine. Times do not depend on the weights, so these are untrained.

Rows, one a network, method and round:

- ``network``: "usual" or "an extra fine level"; ``method``: as in `small_objects`.
- ``round``; ``milliseconds``: of one image; ``ratio``: to "usual", "as it is" of that round.
- ``gflop``: of an answer.
"""

from __future__ import annotations

NAME = "small_object_cost"
QUESTION = "What do tiles and a larger working resolution cost in time?"
