"""The app can be stopped while it still warms up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Ends while the thread is inside torch, with far more to do than the test waits for.
SCRIPT = """
import threading
from pages.common import loaded_models, warm_up
warm_up._ALONE = warm_up._REST = 0
inside = threading.Event()

def compute(name):
    import torch
    print("begun", flush=True)
    for _ in range(5000):
        inside.set()
        torch.nn.functional.conv2d(torch.ones(8, 32, 99, 99), torch.ones(64, 32, 3, 3))
    print("finished", flush=True)

loaded_models.shared = compute
warm_up.start()
inside.wait()
"""


def test_the_process_ends_well_in_the_middle_of_warming_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout.count("begun")) == (0, 1), done.stderr
    assert "finished" not in done.stdout, "it waited for the whole warming up"
