"""Publishing: one commit, pinned afterwards, and refused when something is not right.

The first test runs the command as a user does; the others call it in this process, which is
several times faster.
"""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.utils import disable_progress_bars
from safetensors.numpy import load, save

import zoo
from tests.hub import tiny
from tests.hub.workspace import Workspace, make
from tests.hub_server import HubServer
from training.engine.failures import run_command
from training.engine.model_folder import export
from training.publish import checks, publishing, repo_files

REPO = tiny.REPO
TEMPLATE = "HUB/{repo_id}/resolve/{revision}/{filename}"


class Desk:
    """The publishing command in this process, on a zoo in a temporary folder."""

    def __init__(self, folder: Path, hub: HubServer, monkeypatch, capsys) -> None:
        self.folder, self.hub, self.monkeypatch, self.capsys = folder, hub, monkeypatch, capsys
        self.path = folder / "catalog.json"
        (folder / "experiments").mkdir(parents=True)
        for module, name, value in (
            (zoo.weights.catalog, "CATALOG_PATH", self.path),
            (zoo.experiments, "FOLDER", folder / "experiments"),
            (
                repo_files,
                "draw_curves",
                lambda record: b"an image",
            ),  # slow; drawn in the first test
            (publishing, "CATALOG", self.path),
            (publishing, "BUNDLE", folder / "bundle"),
            (checks, "labelled_images", lambda model: self.labelled),
            (constants, "ENDPOINT", hub.url),
            (constants, "HF_HUB_DISABLE_XET", True),
            (constants, "HUGGINGFACE_CO_URL_TEMPLATE", TEMPLATE.replace("HUB", hub.url)),
            (constants, "HF_HUB_CACHE", str(folder / "hf")),
        ):
            monkeypatch.setattr(module, name, value)
        monkeypatch.setenv("HF_TOKEN", hub.token)
        self.write_models(tiny.model_files())

    @property
    def catalog(self) -> dict:
        return json.loads(self.path.read_text())

    def write_models(self, files: dict[str, bytes], **pinned: str | None) -> None:
        """Put the files into the bundle, and label images so that 10 % are right."""
        tiny.write_zoo(self.folder, {"mnist": files}, **pinned)
        images = list(np.random.default_rng(0).integers(0, 256, (100, 28, 28), dtype=np.uint8))
        try:
            answers = zoo.load("mnist", source="bundle").predict_batch(images)
        except zoo.ZooError:  # broken on purpose
            return
        labels = [str((int(a.label) + (n >= 10)) % 10) for n, a in enumerate(answers)]
        self.labelled = images, labels

    def __call__(self, *arguments: str) -> SimpleNamespace:
        """Run ``python -m training.publish --repo …``."""
        self.monkeypatch.setattr(sys, "argv", ["publish", "--repo", REPO, *arguments])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_command(publishing.main)
        out, err = self.capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=out, stderr=err)


@pytest.fixture
def desk(tmp_path: Path, hub: HubServer, monkeypatch, capsys) -> Desk:
    disable_progress_bars()
    return Desk(tmp_path / "zoo", hub, monkeypatch, capsys)


def _stored(hub: HubServer, revision: str = "main") -> dict[str, bytes]:
    files = hub.storage.repo("model", REPO).resolve(revision).files
    return {path: hub.storage.content(file) for path, file in files.items()}


def test_publish_and_pull(hub: HubServer, tmp_path: Path) -> None:
    """As in a clean clone: the checkout's own files, and nothing else."""
    workspace = make(tmp_path / "project", hub, tmp_path / "hf_home", whole=True)
    models = list(workspace.catalog["models"])
    done = workspace.run(
        "-m", "training.publish", "--repo", REPO, "--tag", "v1.0.0",
        HF_TOKEN=hub.token, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    repo = hub.storage.repo("model", REPO)
    head = repo.resolve("main").oid
    assert repo.tags == {"v1.0.0": head}
    assert len(repo.commits) == 2, "the Hub's own first commit and ours"
    assert (workspace.catalog["repo"], workspace.catalog["revision"]) == (REPO, head)
    assert head in done.stdout
    assert hub.token not in done.stdout + done.stderr + json.dumps(workspace.catalog)

    stored = _stored(hub)
    for model in models:
        assert f"{model}: loads, is finite" in done.stdout
        for name, pin in workspace.catalog["models"][model]["files"].items():
            bundled = workspace.folder / "zoo" / "bundle" / model / name
            assert stored[f"{model}/{name}"] == bundled.read_bytes()
            assert pin["sha256"] in done.stdout
        assert stored[f"{model}/curves.png"].startswith(b"\x89PNG")
    listed = json.loads(stored["manifest.json"])["files"]
    assert set(listed) == set(stored) - {"manifest.json", ".gitattributes"}

    pulled = workspace.run(
        "-c", f"import zoo; m = zoo.load({models[0]!r}); print(m.source, m.notice)",
        HF_HOME=str(tmp_path / "empty"), ZOO_TIMEOUT="10",
    )  # fmt: skip
    assert pulled.stdout == "hub None\n", pulled.stderr


def test_again_without_a_change(desk: Desk, hub: HubServer) -> None:
    assert desk().returncode == 0
    before = desk.catalog
    done = desk()
    assert done.returncode == 0
    assert "Nothing has changed" in done.stdout
    assert len(hub.storage.repo("model", REPO).commits) == 2
    assert desk.catalog == before


def test_a_dry_run_sends_nothing(desk: Desk, hub: HubServer) -> None:
    done = desk("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "would be created: mnist/model.safetensors" in done.stdout
    assert not hub.storage.repos
    desk()
    done = desk("--dry-run")
    assert "nothing would change" in done.stdout
    assert desk.catalog["revision"] == hub.storage.repo("model", REPO).resolve("main").oid


def test_a_new_model_replaces_what_is_gone(desk: Desk, hub: HubServer) -> None:
    experiment = desk.folder / "experiments" / "speed.json"
    experiment.write_text(
        json.dumps(
            {"question": "How fast?", "finding": "Fast.", "command": "x", "rows": [{"a": 1}]}
        )
    )
    desk()
    assert "experiments/speed.json" in _stored(hub)
    assert "How fast?" in _stored(hub)["README.md"].decode()
    experiment.unlink()
    desk()
    assert "experiments/speed.json" not in _stored(hub)


def test_a_concurrent_change_is_noticed(
    desk: Desk, hub: HubServer, hub_api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody commits between our look at the repo and our commit."""
    desk()
    head = hub.storage.repo("model", REPO).resolve("main").oid
    desk.write_models(tiny.model_files(seed=1), repo=REPO, revision=head)
    look = publishing._published

    def look_and_be_overtaken(*arguments):
        found = look(*arguments)
        added = CommitOperationAdd("mnist/config.json", b"from somebody else")
        hub_api.create_commit(REPO, [added], commit_message="overtaking")
        return found

    monkeypatch.setattr(publishing, "_published", look_and_be_overtaken)
    done = desk()
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: Somebody changed {REPO} just now")
    assert done.stderr.count("\n") == 1
    assert desk.catalog["revision"] == head, "nothing is pinned that is not there"
    assert _stored(hub)["mnist/config.json"] == b"from somebody else", "nor overwritten"


def test_a_change_by_others_outside_our_files_survives(
    desk: Desk, hub: HubServer, hub_api: HfApi
) -> None:
    desk()
    added = CommitOperationAdd("NOTES.md", b"from somebody else")
    hub_api.create_commit(REPO, [added], commit_message="notes")
    desk.write_models(tiny.model_files(seed=1))
    assert desk().returncode == 0
    assert _stored(hub)["NOTES.md"] == b"from somebody else"


def test_a_tag_never_moves(desk: Desk, hub: HubServer) -> None:
    desk("--tag", "v1")
    first = hub.storage.repo("model", REPO).tags["v1"]
    desk.write_models(tiny.model_files(seed=1))
    done = desk("--tag", "v1")
    assert done.returncode == 2
    assert "has a tag v1 on another commit" in done.stderr
    assert hub.storage.repo("model", REPO).resolve("main").oid == first


def test_worse_weights_are_refused(desk: Desk, hub: HubServer) -> None:
    desk.write_models(tiny.model_files(accuracy=0.10))
    desk()
    desk.write_models(tiny.model_files(seed=1, accuracy=0.09))
    done = desk()
    assert done.returncode == 2
    assert "mnist: accuracy 0.1000 → 0.0900" in done.stderr
    assert "--allow-worse" in done.stderr
    assert desk("--allow-worse").returncode == 0


def _not_finite(files: dict[str, bytes]) -> None:
    state = load(files["model.safetensors"])
    state["linear.bias"][0] = np.nan
    files["model.safetensors"] = save(state, {"architecture": "numpy_cnn"})


def _too_few(files: dict[str, bytes]) -> None:
    state = load(files["model.safetensors"])
    del state["linear.bias"]
    files["model.safetensors"] = save(state, {"architecture": "numpy_cnn"})


def _claims_too_much(files: dict[str, bytes]) -> None:
    files.update(tiny.model_files(accuracy=0.995))


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (_not_finite, r"linear\.bias holds NaN or infinity"),
        (_too_few, r"missing linear\.bias"),
        (_claims_too_much, r"its accuracy is 0\.1000, but the record says 0\.9950"),
    ],
)
def test_what_fails_its_check_is_not_published(
    desk: Desk, hub: HubServer, break_it, sentence: str
) -> None:
    files = tiny.model_files()
    break_it(files)
    desk.write_models(files)
    done = desk()
    assert done.returncode == 2
    assert re.search(sentence, done.stderr), done.stderr
    assert not hub.storage.repos, "nothing was created"


def test_a_bundle_that_is_not_what_the_catalog_pins(desk: Desk, hub: HubServer) -> None:
    path = desk.folder / "bundle" / "mnist" / "config.json"
    path.write_text(path.read_text().replace("Digits", "digits"))
    done = desk()
    assert done.returncode == 2
    assert "mnist cannot be published" in done.stderr
    assert not hub.storage.repos


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("401", "the token is not valid"), ("500", "HTTP 500"), ("503", "HTTP 503")],
)
def test_the_hub_refuses(desk: Desk, hub: HubServer, kind: str, sentence: str) -> None:
    with hub.fault(kind, path="/api/repos/create|whoami"):
        done = desk()
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_without_a_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    done = desk()
    assert done.returncode == 2
    assert "hf auth login" in done.stderr


def test_the_card(desk: Desk, hub: HubServer) -> None:
    desk()
    card = _stored(hub)["README.md"].decode()
    front = yaml.safe_load(card.split("---\n")[1])
    result = front["model-index"][0]["results"][0]
    assert front["model-index"][0]["name"] == "mnist"
    assert result["metrics"][0] == {"type": "accuracy", "value": 0.1, "name": "Accuracy"}
    assert "10.00 %" in card
    assert "python -m training.mnist" in card
    assert "CC BY-SA 3.0" in card
    assert "Limitations" in card


def test_the_snippets_of_the_card_run(
    desk: Desk, workspace: Workspace, hub: HubServer, tmp_path: Path
) -> None:
    desk()
    card = _stored(hub)["README.md"].decode()
    snippets = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert len(snippets) == 3
    more = [
        ("", "Classification("),
        ("\nimport torch; print(network(torch.zeros(1, 1, 28, 28)).shape)", "torch.Size([1, 10])"),
        ("\nprint(logits.shape)", "(1, 10)"),
    ]
    for number, (snippet, (check, expected)) in enumerate(zip(snippets, more, strict=True)):
        plain = "import zoo" not in snippet
        done = workspace.run(
            "-c",
            snippet + check,
            HF_HOME=str(tmp_path / f"empty{number}"),
            **({"PYTHONPATH": ""} if plain else {}),
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_an_export_of_other_weights_unpins_the_commit(desk: Desk, tmp_path: Path) -> None:
    """The published commit has the old files; the catalog must not say otherwise."""
    desk()
    pinned = desk.catalog["revision"]
    run = tmp_path / "run"
    for seed, expected in ((0, pinned), (1, None)):
        run.mkdir(exist_ok=True)
        for name, data in tiny.model_files(seed=seed).items():
            (run / name).write_bytes(data)
        export(run, desk.folder / "bundle", desk.path)
        assert desk.catalog["revision"] == expected
    assert zoo.load("mnist").source == "bundle"
    assert desk.catalog["repo"] == REPO
