"""How does one train faster, and which lines of the code change?

    python -m training.experiments.classification.train_faster --data-dir DIR
    python -m training.experiments.classification.train_faster --data-dir DIR --device cuda

Steps of one training on CIFAR-10 (forward, backward, optimizer), on an idle machine; all variants
take turns. One change after another, each change alone, and mistakes. What only a GPU can show
(asynchronous copies, timing without synchronizing) is left out on a CPU and never guessed.

Rows, one a variant and round:

- ``device``: "cpu" or "cuda"; ``series``: "one after another", "alone" or "mistake".
- ``variant``: "as one writes it first" (float32), "bfloat16 autocast", "channels_last",
  "torch.compile", "larger batch", "asynchronous copies"; mistakes: ".item() in every step",
  "timing without synchronizing", "copies image by image".
- ``batch``, ``round``.
- ``step_ms``, ``images_per_second``; ``speedup``: over the first variant of the same round.

``diffs``: by variant, the lines that change, as a unified diff. One JSON holds both devices: a run
keeps the rows of the other device.
"""

from __future__ import annotations

NAME = "train_faster"
QUESTION = "How does one train faster, and which lines change?"
