"""The script for a machine with a GPU, on one without: its first section, and how it goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import zoo
from training.benchmarks import gpu
from training.engine.failures import TrainingError


def run(out: Path, *more: str) -> tuple[int, dict]:
    code = gpu.main(["--out", str(out), "--device", "cpu", "--rounds", "1", *more])
    return code, json.loads((out / "gpu.json").read_text())


def test_answers_are_compared_and_not_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, found = run(tmp_path, "--models", "mnist", "--sections", "answers", "timings")
    assert code == 0
    row = found["answers"]["mnist"]
    assert row["same_label"] == 1.0
    assert row["largest_difference"] < 1e-5
    assert row["n"] > 10
    timed = found["timings"]["mnist on cpu"]
    assert timed["single_ms"] > 0
    assert timed["answer_ms"] > 0
    assert found["git_commit"]
    monkeypatch.setattr(gpu, "compare", lambda *_: pytest.fail("measured twice"))
    assert run(tmp_path, "--models", "mnist", "--sections", "answers")[0] == 0


def test_answers_that_differ_are_told() -> None:
    model = zoo.load("mnist", source="bundle", device="cpu")
    other = zoo.load("mnist", source="bundle", device="cpu")
    other.network.layers["linear"].parameters["bias"][3] += 100.0
    found = gpu.compare(model, other)
    assert found["same_label"] < 0.5
    assert found["largest_difference"] > 0.5


def test_a_section_that_trains_is_stopped_in_time_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tmp_path / "best-0" / "record.json"
    result.parent.mkdir()
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys, time, pathlib\n"
        "flag = pathlib.Path(__file__).with_suffix('.begun')\n"
        "if flag.exists():\n"
        f"    pathlib.Path({str(result)!r}).write_text('{{\"seed\": 0}}')\n"
        "    sys.exit()\n"
        "flag.touch()\ntime.sleep(600)\n"
    )
    monkeypatch.setattr(gpu, "ROOT", tmp_path)
    monkeypatch.setattr(gpu.sys, "executable", sys.executable)
    monkeypatch.setattr(
        gpu, "best", lambda o: iter([("best, seed 0", lambda: gpu._run(o, ["slow"], result))])
    )
    monkeypatch.setitem(gpu.SECTIONS, "best", gpu.best)
    section = ("--sections", "best", "--data-dir", "D", "--minutes", "0.05")
    code, found = run(tmp_path, *section)
    assert (code, found["best"]) == (1, {})
    code, found = run(tmp_path, *section[:-1], "5")
    assert (code, found["best"]) == (0, {"best, seed 0": {"seed": 0}})


def test_without_data_a_training_section_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--data-dir"):
        run(tmp_path, "--sections", "fast")
