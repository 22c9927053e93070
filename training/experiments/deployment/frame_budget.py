"""Where does the time of a frame go, from file to file?

    python -m training.experiments.deployment.frame_budget --data-dir DIR

Sample photos go through the shipped car network as a frame of a video would: decode the JPEG,
scale, network, refine the mask at the frame's size, encode the answer. Every stage is timed alone.

Rows, one a photo, stage and round:

- ``photo``: of ``zoo/samples/cars``; ``megapixels``.
- ``stage``: "decode", "scale", "network", "refine", "encode mask", "encode cut-out".
- ``round``; ``milliseconds``.
"""

from __future__ import annotations

NAME = "frame_budget"
QUESTION = "Where does the time of a frame go?"
