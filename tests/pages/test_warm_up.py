"""The app can be stopped while it still warms up."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import zoo
from pages.common import loaded_models, warm_up
from pages.sections.feature_maps import top_images

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


def test_it_draws_nothing_for_it_is_no_page(caplog: pytest.LogCaptureFixture) -> None:
    """Streamlit's log would say so, once for each spinner: a thread has no place on a page."""
    loaded_models._load.clear()
    top_images._top_activations.clear()
    name = zoo.list_models()[0]
    thread = threading.Thread(target=lambda: top_images.prepare(loaded_models.shared(name)))
    thread.start()
    thread.join()
    assert "ScriptRunContext" not in caplog.text


def test_no_step_begins_while_a_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "_REST", 0.0)
    monkeypatch.setattr(warm_up, "_PATIENCE", 60.0)
    waited = threading.Event()

    def step() -> None:
        warm_up._wait_for_rest()
        waited.set()

    with warm_up.behind():
        threading.Thread(target=step, daemon=True).start()
        assert not waited.wait(0.3)
    assert waited.wait(30)
