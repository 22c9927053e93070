"""What does a mask lose when only every n-th frame is answered?

    python -m training.experiments.deployment.frame_skip --data-dir DIR

A window moves over each sample photo and zooms, slowly or fast. Every n-th frame is answered by the
shipped network; between, the last mask is held, or moved along by the shift that the two frames
show (phase correlation). It is compared with what the network says of the frame itself.

Rows, one a photo, speed, n and way:

- ``photo``; ``speed``: "slow" or "fast"; ``pixels_per_frame``: of the frame's 512, mean.
- ``every``: n, 1 to 30; ``between``: "hold" or "move".
- ``seed``: of the path.
- ``iou``: mean over all frames against the network's own mask of each; ``worst``: of a frame.
- ``self_iou``: between the network's masks of neighbouring frames once the known motion is taken
  back: how much the network itself flickers.
"""

from __future__ import annotations

NAME = "frame_skip"
QUESTION = "What does a mask lose when only every n-th frame is answered?"
