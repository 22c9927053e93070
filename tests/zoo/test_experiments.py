import json
from pathlib import Path

import pytest

import zoo
from zoo import experiments
from zoo.errors import ExperimentError

RECORD = {
    "question": "Is it so?",
    "finding": "It is.",
    "command": "python -m training.experiments.so",
    "rows": [{"x": 1, "y": 0.5}],
    "seeds": [0, 1],
    "git_commit": "abc",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    (tmp_path / "so.json").write_text(json.dumps(RECORD))
    return tmp_path


def test_reads_a_recorded_experiment(folder: Path) -> None:
    assert zoo.list_experiments() == ["so"]
    found = zoo.experiment("so")
    assert found.question == "Is it so?"
    assert found.rows == ({"x": 1, "y": 0.5},)
    assert found.seeds == (0, 1)


@pytest.mark.parametrize("name", ["other", "../so", "", "/etc/passwd"])
def test_an_unknown_experiment_lists_the_known(folder: Path, name: str) -> None:
    with pytest.raises(ExperimentError, match="there are: so"):
        zoo.experiment(name)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"question": 1}'])
def test_a_damaged_experiment_is_one_sentence(folder: Path, content: str) -> None:
    (folder / "so.json").write_text(content)
    with pytest.raises(ExperimentError, match="cannot be read"):
        zoo.experiment("so")


def test_every_shipped_experiment_reads() -> None:
    for name in zoo.list_experiments():
        assert zoo.experiment(name).rows
