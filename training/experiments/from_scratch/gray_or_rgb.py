"""What changes when the same network sees gray images instead of colour?

    python -m training.experiments.from_scratch.gray_or_rgb --data-dir DIR

The NumPy network learns CIFAR-10 five times from each kind of input, with the learning rate that
suits that kind best. Three controls: gray copied into three channels has the parameters of RGB
without its information; channels exchanged for good (blue, green, red) have the information in
another order; channels shuffled anew in each image keep the contrasts and lose which is which.
The networks that learned RGB are also shown BGR, which is what OpenCV hands out.

Rows, one a variant and seed:

- ``variant``: "RGB", "gray", "gray copied three times", "channels exchanged", "channels shuffled in
  each image".
- ``seed``, ``learning_rate``.
- ``parameters``, ``first_layer_parameters``; ``multiply_adds``: of a forward pass, per image.
- ``accuracy``, ``loss``: on the validation images, in the form that was learned.
- ``accuracy_as_bgr``: of the variant "RGB" with red and blue exchanged; null for the others.
- ``accuracy_as_gray``: of the variant "RGB" shown gray images (three equal channels); else null.
- ``seconds``: of the training, on a machine that did other things too: not for comparison
  (`backward_cost` has the time of a step).
"""

from __future__ import annotations

NAME = "gray_or_rgb"
QUESTION = "What changes when the same network sees gray images instead of colour?"
