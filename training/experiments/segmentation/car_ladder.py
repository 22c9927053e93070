"""From a U-Net of 0.92 IoU to 0.987: what does each step bring?

    python -m training.experiments.segmentation.car_ladder --data-dir DIR

Each rung is trained with its own learning rate, three times; the last is the shipped network, whose
figures stand in its record. All masks are compared at 512 × 342 pixels.

Rows, one a rung and seed:

- ``rung``, ``name``, ``change``, ``seed``, ``learning_rate``, ``parameters``; ``images``: learned
  from, with repetitions.
- ``iou``, ``boundary_iou``: mean over the validation images of the studio.
- ``recorded``: true if the row comes from the model's record.
"""

from __future__ import annotations

NAME = "car_ladder"
QUESTION = "Which steps lead from a U-Net of 0.92 IoU to 0.987?"
