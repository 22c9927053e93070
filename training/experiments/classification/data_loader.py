"""What does a DataLoader do for the time of a training step?

    python -m training.experiments.classification.data_loader --data-dir DIR

Images a second of a ``torch.utils.data.DataLoader`` alone, and of a training that eats from it:
workers, batch, augmentation (light: flip and shift; heavy: rotation, colour and blur with Pillow as
well), images in memory or PNG files decoded from disk. All combinations take turns, on an idle
machine.

Rows, one a combination and round:

- ``source``: "memory" or "disk"; ``augmentation``: "light" or "heavy"; ``batch``; ``workers``.
- ``round``: 0, 1, 2.
- ``loader_images_per_second``: without a network.
- ``step_ms``: a training step with loading, per batch; ``compute_ms``: the same step on a batch
  that lies ready. Loading is hidden as far as the two are equal.
- ``first_batch_ms``: until the first batch is there: what starting the workers costs.
"""

from __future__ import annotations

NAME = "data_loader"
QUESTION = "What does a DataLoader do for the time of a training step?"
