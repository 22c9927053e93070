"""``python -m training.carvana``, with a recipe small enough for a test."""

from __future__ import annotations

import sys

from tests.training.tiny_cars import TINY
from training.carvana.__main__ import main
from training.carvana.carvana_settings import PRESETS

if __name__ == "__main__":
    PRESETS["two-parts"] = TINY
    sys.exit(main())
