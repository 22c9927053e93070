"""The loop, on a learner that counts: what it calls, keeps, resumes and refuses."""

from __future__ import annotations

import errno
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.engine import loop, run_folder
from training.engine.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from training.engine.failures import TrainingError

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Recipe:
    """What is chosen: one setting, and a group of them."""

    rate: float = 1.0
    noise: dict[str, float] = field(default_factory=lambda: {"size": 0.0})


class Counter:
    """Adds up the numbers of its steps; its loss is the step's number."""

    epochs, steps, metrics = 2, 6, ("loss",)

    def __init__(self) -> None:
        self.weight = np.zeros(1)
        self.measured = 0

    def totals(self, values: list[float]) -> np.ndarray:
        return np.array(values)

    def batches(self, epoch: int, first: int) -> Iterator[int]:
        yield from range(epoch * self.steps + first, (epoch + 1) * self.steps)

    def learn(self, batch: int, step: int) -> np.ndarray:
        assert batch == step
        self.weight = 2 * self.weight + batch
        return np.array([2.0 * step, 2.0])  # of two images

    def rate(self, step: int) -> float:
        return 1 - step / 12

    def measure(self) -> dict[str, float] | None:
        self.measured += 1
        return {"accuracy": 0.5}

    def is_finite(self) -> bool:
        return bool(np.isfinite(self.weight).all())

    def state(self) -> dict[str, dict[str, np.ndarray]]:
        return {"network": {"w": self.weight.copy()}}

    def load_state(self, state: dict[str, dict[str, np.ndarray]]) -> None:
        self.weight = state["network"]["w"]


def train(
    out: Path, learner: Counter | None = None, seed: int = 0, recipe: Any = None, **options
) -> tuple:
    learner = learner or Counter()
    progress = loop.begin(recipe or Recipe(), {"seed": seed}, {"command": "c"})
    return learner, loop.train(learner, progress, out, quiet=True, **options)


def test_an_epoch_is_a_row_with_the_mean_over_its_images(tmp_path: Path) -> None:
    learner, progress = train(tmp_path)
    rows = progress["history"]
    assert [row["train"]["loss"] for row in rows] == [2.5, 8.5]
    assert [row["learning_rate"] for row in rows] == [1 - 5 / 12, 1 - 11 / 12]
    assert [row["validation"] for row in rows] == [{"accuracy": 0.5}] * 2
    assert learner.measured == 2
    assert "resumed" not in progress
    _, again = train(tmp_path, resume=True)
    assert "resumed" not in again  # nothing was left to learn


@pytest.mark.parametrize("last", range(1, 12))
def test_a_run_that_stops_at_any_step_resumes_to_the_same_end(
    last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, whole = train(tmp_path / "whole")
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CHECK_EVERY", 2)

    class Stopping(Counter):
        def learn(self, batch: int, step: int) -> np.ndarray:
            if step == last:
                raise KeyboardInterrupt
            return super().learn(batch, step)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", Stopping())
    learner, progress = train(tmp_path / "broken", resume=True)
    assert learner.weight == expected.weight
    told = [[{k: v for k, v in row.items() if k != "seconds"} for row in p["history"]]
            for p in (whole, progress)]  # fmt: skip
    assert told[0] == told[1]
    assert len(progress.get("resumed", [])) == (last > 1)


def test_a_run_that_stops_while_an_epoch_is_measured_keeps_the_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CHECK_EVERY", 1)

    class Stopping(Counter):
        def measure(self) -> dict[str, float] | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, Stopping())
    _, progress = train(tmp_path, resume=True)
    assert [row["train"]["loss"] for row in progress["history"]] == [2.5, 8.5]
    assert [row["epoch"] for row in progress["history"]] == [1, 2]


@pytest.mark.parametrize("bad", [3, 8])
def test_a_loss_that_is_no_number_stops_before_it_is_kept(bad: int, tmp_path: Path) -> None:
    class Exploding(Counter):
        def learn(self, batch: int, step: int) -> np.ndarray:
            totals = super().learn(batch, step)
            return totals * (math.nan if step == bad else 1)

    with pytest.raises(TrainingError, match=f"loss became nan in epoch {1 + bad // 6}"):
        train(tmp_path, Exploding())
    assert (tmp_path / CHECKPOINT).exists() == (bad > 5)


def test_weights_that_are_no_numbers_are_never_kept(tmp_path: Path) -> None:
    class Poisoned(Counter):
        def is_finite(self) -> bool:
            return self.measured < 2

    with pytest.raises(TrainingError, match="weights became nan in epoch"):
        train(tmp_path, Poisoned())
    assert len(load_checkpoint(tmp_path / CHECKPOINT)[1]["history"]) == 1


def stop_after_an_epoch(out: Path) -> None:
    class Stopping(Counter):
        def learn(self, batch: int, step: int) -> np.ndarray:
            if step == 8:
                raise KeyboardInterrupt
            return super().learn(batch, step)

    with pytest.raises(KeyboardInterrupt):
        train(out, Stopping())


def with_more(**settings: Any) -> type:
    """Return the recipe as a later version may have it: settings came, each with a default."""
    fields = [(name, type(value), field(default=value)) for name, value in settings.items()]
    noise = dict[str, float], field(default_factory=lambda: {"size": 0.0, "share": 1.0})
    return make_dataclass("Recipe", [("rate", float, 1.0), ("noise", *noise), *fields])


def test_a_run_of_a_version_that_had_fewer_settings_goes_on(tmp_path: Path) -> None:
    stop_after_an_epoch(tmp_path)
    _, progress = train(tmp_path, recipe=with_more(activation="gelu")(), resume=True)
    assert [row["epoch"] for row in progress["history"]] == [1, 2]
    recipe = {"rate": 1.0, "noise": {"size": 0.0, "share": 1.0}, "activation": "gelu"}
    assert progress["identity"] == {"recipe": recipe, "seed": 0}


def test_a_new_setting_that_is_not_at_its_default_is_another_recipe(tmp_path: Path) -> None:
    stop_after_an_epoch(tmp_path)
    chosen = with_more(activation="gelu")(activation="silu")
    with pytest.raises(TrainingError, match="activation was gelu and is silu"):
        train(tmp_path, recipe=chosen, resume=True)
    gone = make_dataclass("Recipe", [("rate", float, 1.0)])
    with pytest.raises(TrainingError, match="noise is no setting any more"):
        train(tmp_path, recipe=gone(), resume=True)


def test_one_flipped_bit_is_refused_wherever_it_lies(tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    groups = {"network": {"w": np.arange(6.0).reshape(2, 3), "count": np.array(7)}}
    save_checkpoint(path, groups, {"identity": {"seed": 1}})
    whole = path.read_bytes()
    loaded, _ = load_checkpoint(path)
    np.testing.assert_array_equal(loaded["network"]["w"], groups["network"]["w"])
    assert loaded["network"]["count"].shape == ()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(TrainingError, match="delete it to start anew") as told:
            load_checkpoint(path)
        assert "\n" not in str(told.value)


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    run_folder.check_writable(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(TrainingError, match="is a file, or lies inside one"):
            run_folder.check_writable(out)
    with pytest.raises(TrainingError, match="Nothing can be written"):
        run_folder.check_writable(Path("/proc/x"))


def test_too_little_space_is_told_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 15  # bytes: a weight and its momentum take 16

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    learner = Counter()
    with pytest.raises(TrainingError, match="A checkpoint takes at least"):
        train(tmp_path / "run", learner)
    assert learner.weight == 0
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, iter(range(9))

    def fill_up(handle: int) -> None:
        if next(calls) > 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(TrainingError, match=r"No space left.* --resume goes on from it"):
        train(tmp_path)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == [CHECKPOINT]
    learner, _ = train(tmp_path, resume=True)
    assert learner.weight == train(tmp_path / "whole")[0].weight


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_whoever_stops_a_command_is_told_how_to_go_on(number: int, code: int) -> None:
    script = (
        "import time\nfrom training.engine.failures import RESUME, run_command\n"
        "def main():\n print('here', flush=True)\n time.sleep(60)\n"
        "run_command(main, RESUME)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=200)
    assert process.returncode == code
    assert said.strip().startswith("Stopped. All is kept up to the last checkpoint;")
    assert "--resume" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_no_terminal_is_too_old_for_a_command(encoding: str) -> None:
    script = (
        "from training.engine.failures import TrainingError, run_command\n"
        "def main():\n print('seed 0 \u2192 \u2265')\n"
        " raise TrainingError('512 \u00d7 342 \u2192 no')\n"
        "run_command(main)\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", script], cwd=ROOT, capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding}, timeout=200,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout.startswith(b"seed 0 ")
    assert done.stderr.startswith(b"error: 512 ")
    assert b"Traceback" not in done.stderr
