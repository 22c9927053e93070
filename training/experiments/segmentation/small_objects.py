"""0.92 IoU, but small objects fail: what helps at which size, and what does it cost?

    python -m training.experiments.segmentation.small_objects --data-dir DIR

Small U-Nets learn the studio in different ways, three times each; then they see validation photos
whose car has been scaled down to 1/2 … 1/16, at their working size, at two and four times of it,
and in tiles. `deployment.small_object_cost` has the time of each.

Rows, one a network, method, scale and seed:

- ``network``: "one size" (no change of size in training), "many sizes" (scale augmentation),
  "many sizes, focal loss", "many sizes, an extra fine level" (a level at the full resolution).
- ``method``: "as it is", "working resolution × 2", "working resolution × 4", "2 × 2 tiles",
  "4 × 4 tiles".
- ``scale``: 1, 2, 4, 8 or 16: the car is that many times smaller; ``car_width``: in pixels, mean.
- ``seed``, ``learning_rate``.
- ``iou``: mean over the images; ``found``: share of the images with an IoU of at least ½.
- ``gflop``: of an answer, multiplications and additions.
"""

from __future__ import annotations

NAME = "small_objects"
QUESTION = "0.92 IoU, but small objects fail: what helps at which size?"
