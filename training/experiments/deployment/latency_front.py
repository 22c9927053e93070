"""One image takes too long: which change buys most, and what does it cost in IoU?

    python -m training.experiments.deployment.latency_front --data-dir DIR

The shipped car network answers one image at a time, at several working resolutions, in every way
that this machine knows: PyTorch as it is, channels_last, BatchNorms folded, bfloat16, compiled;
ONNX Runtime and OpenVINO (optional: what is not installed is left out and named in ``missing``), in
float32, bfloat16 and int8 (calibrated on training photos). All take turns on an idle machine. The
IoU of every way is measured on the validation photos. The small networks of `network_sizes` are
timed beside it, and their IoU is taken from that experiment.

Rows, one a network and way:

- ``network``: "shipped", or a network of `network_sizes`; ``resolution``: the longest side.
- ``way``: such as "PyTorch", "PyTorch, channels_last", "…, folded", "…, bfloat16", "…, compiled",
  "ONNX Runtime", "ONNX Runtime, int8", "OpenVINO", "OpenVINO, bfloat16", "OpenVINO, int8".
- ``runtime``: "PyTorch", "ONNX Runtime" or "OpenVINO"; ``format``: "float32", "bfloat16", "int8".
- ``threads``.
- ``milliseconds``: median of an answer; ``milliseconds_low``, ``milliseconds_high``: of the rounds.
- ``iou``: mean over the validation images, at 512 × 342; ``n``: of how many images (or seeds).
- ``on_front``: whether nothing else is both faster and better.
"""

from __future__ import annotations

NAME = "latency_front"
QUESTION = "One image takes too long: which change buys most?"
