"""The app can be stopped while it still warms up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Ends while the thread is inside torch.
SCRIPT = """
import sys, time
from pages.common import models, warm_up
warm_up._DELAY = 0

def compute(name):
    import torch
    print("torch", flush=True)
    for _ in range(20):
        torch.nn.functional.conv2d(torch.ones(8, 32, 99, 99), torch.ones(64, 32, 3, 3))

models.loaded = compute
warm_up.start()
sys.stdout.flush()
while "torch" not in sys.modules or not hasattr(sys.modules["torch"], "nn"):
    time.sleep(0.01)
time.sleep(0.3)
"""


def test_the_process_ends_well_in_the_middle_of_warming_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout.count("torch")) == (0, 1), done.stderr
