"""``python -m training.cifar10``, with a recipe small enough for a test.

The first word is the batch. There is a checkpoint after every look at the loss, so that a kill
falls into the middle of an epoch.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.training.tiny_images import TINY
from training.cifar10.__main__ import main
from training.cifar10.cifar10_settings import PRESETS
from training.engine import loop
from training.metrics import ood_detection

if __name__ == "__main__":
    PRESETS["best"] = replace(TINY, batch=int(sys.argv.pop(1)))
    loop.CHECKPOINT_SECONDS = 0
    ood_detection.COUNT = 20
    sys.exit(main())
