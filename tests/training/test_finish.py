"""What a training command does at its end, asked for on its command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import commands
from training import finish
from training.engine.failures import TrainingError
from training.mnist.__main__ import main


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Let what changes the repository and the Hub say what it would do; return what was said."""
    said: list[str] = []
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    monkeypatch.setattr(finish, "export", lambda folder: said.append("export") or folder)
    monkeypatch.setattr(
        finish.top_activation_record, "write", lambda name: said.append(f"record {name}")
    )
    monkeypatch.setattr(finish, "publish_weights", lambda repo: said.append(f"publish {repo}"))
    monkeypatch.setattr("training.metrics.error_samples.SAMPLES", tmp_path / "samples")
    return said


def command(data_dir: Path, out: Path, *more: str) -> list[str]:
    return ["--data-dir", str(data_dir), "--out", str(out), "--epochs", "1", *more]


def test_publish_exports_first(tiny_mnist: Path, tmp_path: Path, done: list[str]) -> None:
    assert main(command(tiny_mnist, tmp_path / "run", "--publish", "me/zoo")) == 0
    assert done == ["export", "record run", "publish me/zoo"]
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["metrics"]["test"]["n"] == 60
    assert [row["seed"] for row in record["seeds"]] == [0]


def test_without_either_nothing_leaves_the_run(
    tiny_mnist: Path, tmp_path: Path, done: list[str]
) -> None:
    assert main(command(tiny_mnist, tmp_path / "run")) == 0
    assert done == []
    assert "test" not in json.loads((tmp_path / "run" / "record.json").read_text())["metrics"]


def test_who_is_not_logged_in_is_told_before_the_training(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(TrainingError, match="--publish needs a token"):
        main(command(tiny_mnist, tmp_path / "run", "--publish", "me/zoo"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("repo", ["zoo", "a/b/c", "a/", "a b/c"])
def test_a_repo_is_owner_and_name(repo: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(command(tmp_path, tmp_path / "run", "--publish", repo))


@pytest.mark.parametrize("recipe", ["mnist", "cifar10", "carvana"])
def test_every_recipe_tells_its_options_on_any_terminal(recipe: str) -> None:
    shown = commands.run(f"training.{recipe}", "--help", encoding="ascii")
    assert shown.returncode == 0, shown.stderr
    for option in (
        "--data-dir",
        "--out",
        "--resume",
        "--seed",
        "--epochs",
        "--export",
        "--publish",
    ):
        assert option in shown.stdout


@pytest.mark.parametrize("recipe", ["mnist", "cifar10", "carvana"])
def test_an_out_that_is_a_file_is_told_before_the_data_is_read(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    where = ("--data-dir", "nowhere", "--out", str(tmp_path / "file"))
    done = commands.run(f"training.{recipe}", *where)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --out ")
    assert done.stderr.count("\n") == 1
