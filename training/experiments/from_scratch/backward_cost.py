"""What does a backward pass cost beside a forward pass, in time and memory?

    python -m training.experiments.from_scratch.backward_cost --data-dir DIR

The NumPy layers and whole networks, one after the other on an idle machine: forward passes as in
use, forward passes that keep what backward needs, backward passes. All take turns. Beside them the
networks for gray and RGB images of 32 × 32 pixels, for the question what colour costs.

Rows, one a subject and round:

- ``subject``: "Convolution 32 → 64", "BatchNorm", …, or "whole network, digits", "whole network,
  gray 32 × 32", "whole network, RGB 32 × 32".
- ``batch``: images; ``threads``: of NumPy.
- ``round``: 0, 1, …: each of them a fair turn.
- ``forward_ms``, ``training_forward_ms``, ``backward_ms``: of one pass over the batch.
- ``ratio``: backward_ms / training_forward_ms.
- ``kept_mib``: what is held between the two passes, in MiB; ``input_mib``: the batch itself.
- ``multiply_adds``: of a forward pass, per image (convolutions and linear layers).
"""

from __future__ import annotations

NAME = "backward_cost"
QUESTION = "What does a backward pass cost over a forward pass, in time and memory?"
