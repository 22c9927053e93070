"""The time of loading: a row an import and a model, with the floor beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.benchmarks import loading_time
from zoo import experiments


def test_imports_and_loads_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--models", "mnist", "--rounds", "1", "--folder", str(tmp_path)]
    assert loading_time.main(arguments) == 0
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    recorded = experiments.experiment("loading_time")
    rows = {row["what"]: row for row in recorded.rows}
    assert list(rows) == ["import numpy", "import zoo", "mnist"]
    assert all(row["milliseconds"] > 0 for row in rows.values())
    # One round on a busy machine: the floor of a load may take longer than the load itself.
    assert rows["mnist"]["floor_milliseconds"] > 0
    assert rows["import zoo"]["floor_milliseconds"] is None
    assert "reading and SHA-256 alone" in recorded.finding
