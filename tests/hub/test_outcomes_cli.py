"""The matrix of faults, met by the command line in a copy of the project."""

import re
from dataclasses import dataclass

import pytest
from huggingface_hub import HfApi, constants

from tests.hub import tiny
from tests.hub.outcomes import CASES, KINDS_OF_OUTCOME, RECOVERS, Case
from tests.hub.workspace import Workspace
from tests.hub_server import HubServer


@dataclass
class Command:
    """``python -m zoo`` where the catalog pins what lies on the Hub."""

    workspace: Workspace
    hub: HubServer

    def __call__(self, *arguments: str, **environment: str):
        return self.workspace.run("-m", "zoo", *arguments, **environment)


@pytest.fixture
def command(workspace: Workspace, hub: HubServer, hub_api: HfApi, monkeypatch) -> Command:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    files = tiny.model_files()
    manifest = tiny.manifest({"mnist": files})
    commit = tiny.upload(hub_api, files, **{"manifest.json": manifest})
    workspace.write_models({"mnist": files}, repo=tiny.REPO, revision=commit)
    return Command(workspace, hub)


@pytest.mark.parametrize("case", KINDS_OF_OUTCOME, ids=lambda case: case.name)
def test_pull(command: Command, case: Case) -> None:
    with case.on(command.hub):
        done = command("pull", "mnist", ZOO_TIMEOUT=case.timeout)
    if case.outcome == RECOVERS:
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"mnist: [\d.]+ MiB verified, revision [0-9a-f]{40}\n", done.stdout)
    else:
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1, "one line, no traceback"
        assert re.search(case.outcome, done.stderr), done.stderr


@pytest.mark.parametrize("name", ["hang", "corrupt-always"])
def test_predict_falls_back_and_says_so(command: Command, name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    image = command.workspace.folder / "zoo" / "samples" / "digits"
    with case.on(command.hub):
        done = command("predict", "mnist", str(next(image.glob("*.png"))), ZOO_TIMEOUT="2")
    assert done.returncode == 0
    assert done.stderr.startswith("note: These are the bundled weights, because the Hub failed:")
    assert re.search(case.outcome, done.stderr), done.stderr
    assert "%" in done.stdout


def test_the_deadline_is_an_argument(command: Command) -> None:
    with command.hub.fault("stall"):
        done = command("pull", "--timeout", "1")
    assert "sent nothing for 1 seconds" in done.stderr
    assert "above 0" in command("pull", "--timeout", "0").stderr


def test_pull_without_a_repo(command: Command) -> None:
    command.workspace.write_models({"mnist": tiny.model_files()})
    done = command("pull")
    assert done.returncode == 2
    assert "ZOO_REPO" in done.stderr
