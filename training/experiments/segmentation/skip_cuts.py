"""Why does a U-Net have skip connections: what breaks without them, and what when one is cut?

    python -m training.experiments.segmentation.skip_cuts --data-dir DIR

Small U-Nets learn Carvana's studio with skip connections and without (own learning rate each).
While they learn, the size of the gradient is noted at the first and the last convolution. Then each
connection of the trained networks is cut: zeros, or each channel's mean, arrive instead.

Rows, one a network, cut and seed:

- ``network``: "with skips" or "without skips"; ``seed``; ``learning_rate``.
- ``cut``: "none", "all", or the size at which the connection joins: "1/2", "1/4", "1/8".
- ``fill``: "zero" or "mean"; null where nothing is cut.
- ``iou``, ``boundary_iou``: mean over the validation images of the studio.
- ``edge_errors``: share of the wrong pixels that lie within 3 pixels of the true edge.

``gradients``: {"network", "seed", "step", "first", "last"}: ‖∂L/∂W‖ / ‖W‖ of the first and the last
3 × 3 convolution. ``maps``: probabilities of one image, as base64 PNGs, by network and cut.
"""

from __future__ import annotations

NAME = "skip_cuts"
QUESTION = "Why does a U-Net have skip connections?"
