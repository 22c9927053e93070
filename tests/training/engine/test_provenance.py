"""What a run writes down about itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.engine.provenance import provenance, without_folders, write_experiment


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        (
            "python -m training.mnist --data-dir '/my data' --out runs/a --seed 0 1 --export",
            "python -m training.mnist --data-dir DIR --out RUN_DIR --seed 0 1 --export",
        ),
        ("python -m a --data-dir=/d --out=/o", "python -m a --data-dir=DIR --out=RUN_DIR"),
        ("python -m a --json", "python -m a --json"),
    ],
)
def test_a_recorded_command_holds_no_folder_of_its_runner(typed: str, recorded: str) -> None:
    assert without_folders(typed) == recorded


def test_provenance_names_code_machine_and_versions() -> None:
    record = provenance(("numpy",))
    assert record["versions"].keys() == {"python", "numpy"}
    assert record["hardware"]["cores"] >= 1
    assert record["started"].endswith("+00:00")


def test_an_experiment_is_a_tidy_table_or_nothing(tmp_path: Path) -> None:
    options = {
        "question": "Why?",
        "finding": "So.",
        "record": {"command": "c"},
        "seeds": [0],
        "folder": tmp_path,
    }
    with pytest.raises(ValueError, match="all with the same keys"):
        write_experiment("a", rows=[{"x": 1}, {"y": 2}], **options)
    with pytest.raises(ValueError, match="needs rows"):
        write_experiment("a", rows=[], **options)
    path = write_experiment("a", rows=[{"x": 1}, {"x": 2}], curves=[1], **options)
    content = json.loads(path.read_text())
    assert content["rows"] == [{"x": 1}, {"x": 2}]
    assert content["curves"] == [1]
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
