"""What do a U-Net's width and its working resolution bring?

    python -m training.experiments.segmentation.network_sizes --data-dir DIR

Small U-Nets of several widths, and of one width at several resolutions, learn the studio, three
times each with their own learning rate. All masks are compared at 512 × 342 pixels.
`deployment.latency_front` adds the time that each takes.

Rows, one a network and seed:

- ``network``: such as "width × 1, 256 px"; ``width``: ½, 1 or 2; ``widths``: channels by level;
  ``resolution``: the longest side, 96 to 384.
- ``seed``, ``learning_rate``, ``parameters``; ``gflop``: of an answer.
- ``iou``, ``boundary_iou``: mean over the validation images of the studio.
"""

from __future__ import annotations

NAME = "network_sizes"
QUESTION = "What do a U-Net's width and working resolution bring?"
