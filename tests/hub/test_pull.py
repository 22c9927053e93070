"""What the zoo pulls from the Hub is what the catalog pins, or a clear error."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

import zoo
from tests.hub import tiny
from tests.hub.conftest import Published
from zoo.weights import hub as zoo_hub


def _hub(**options) -> zoo.Model:
    return zoo.load("mnist", source="hub", **options)


def test_pinned_revision(published: Published) -> None:
    model = _hub()
    assert model.source == "hub"
    assert model.notice is None
    bundled = zoo.load("mnist", source="bundle")
    for name, value in bundled.network.state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[name], value)


def test_a_warm_cache_needs_no_request(published: Published) -> None:
    _hub()
    assert published.requests() > 0
    _hub()
    assert published.requests() == 0


def test_an_export_that_is_not_published_yet(published: Published) -> None:
    """The catalog knows the repo but pins no commit: the Hub's weights are older than ours."""
    tiny.write_zoo(published.folder, {"mnist": tiny.model_files(seed=3)}, repo=tiny.REPO)
    model = zoo.load("mnist")
    assert (model.source, model.record["seed"]) == ("bundle", 3)


def test_auto_prefers_the_hub_when_a_repo_is_known(published: Published, tmp_path: Path) -> None:
    assert zoo.load("mnist").source == "hub"
    tiny.write_zoo(published.folder, {"mnist": published.files})  # a catalog without a repo
    assert zoo.load("mnist").source == "bundle"
    with pytest.raises(zoo.HubError, match="No Hub repo is configured"):
        _hub()


def test_another_revision_is_checked_against_its_own_manifest(published: Published) -> None:
    other = tiny.model_files(seed=1)
    commit = published.commit_files(other)
    published.api.create_tag(tiny.REPO, tag="v2", revision=commit)
    for revision in (commit, "v2", "main"):
        model = _hub(revision=revision)
        expected = zoo_hub.pull(zoo.info("mnist"), revision)
        assert expected.commit == commit
        assert expected.contents["model.safetensors"] == other["model.safetensors"]
        assert model.record["seed"] == 1
        assert "not those that this version" in (model.notice or "")
    assert _hub().record["seed"] == 0, "without a revision the pinned one is used"


def test_a_manifest_that_does_not_fit_its_files(published: Published) -> None:
    published.commit_files(tiny.model_files(seed=1))
    from huggingface_hub import CommitOperationAdd

    replaced = CommitOperationAdd(
        "mnist/model.safetensors", tiny.model_files(seed=2)["model.safetensors"]
    )
    published.api.create_commit(tiny.REPO, [replaced], commit_message="not by publish")
    with pytest.raises(zoo.IntegrityError, match=r"sent it twice.*tester/weights"):
        _hub(revision="main")


def test_revision_without_a_manifest(published: Published) -> None:
    first = published.api.list_repo_commits(tiny.REPO)[-1].commit_id
    with pytest.raises(zoo.HubError, match=r"has no manifest\.json in revision"):
        _hub(revision=first)


def test_repo_and_revision_from_the_environment(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tiny.model_files(seed=1)
    published.commit_files(other)
    published.api.create_tag(tiny.REPO, tag="v2")
    monkeypatch.setenv("ZOO_REVISION", "v2")
    assert _hub().record["seed"] == 1
    monkeypatch.setenv("ZOO_REPO", "tester/another")
    with pytest.raises(zoo.HubError, match="no repo tester/another"):
        _hub()
    monkeypatch.setenv("ZOO_REPO", "no owner")
    with pytest.raises(zoo.HubError, match="owner/name"):
        _hub()


def test_a_wrong_timeout_is_named(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("soon", "-1", "0", "nan"):
        monkeypatch.setenv("ZOO_TIMEOUT", value)
        with pytest.raises(zoo.HubError, match="ZOO_TIMEOUT"):
            _hub()


def test_no_token_leaves_the_hub(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    token = published.hub.token
    monkeypatch.setenv("HF_TOKEN", token)
    with published.hub.fault("redirect"):  # small files come from the other host, too
        _hub()
    away = [seen for seen in published.hub.seen if seen.host == "cdn"]
    assert len(away) >= 3
    assert not any(token in str(seen.headers) for seen in away)
    assert any(seen.token == f"Bearer {token}" for seen in published.hub.seen)


def test_strict_about_the_network(published: Published) -> None:
    """Files that match their manifest can still be wrong: another network's weights."""
    files = tiny.model_files()
    config = json.loads(files["config.json"])
    config["arguments"]["channels"] = [2, 8]
    files["config.json"] = json.dumps(config).encode()
    published.commit_files(files)
    with pytest.raises(zoo.IntegrityError, match="does not fit"):
        _hub(revision="main")


def test_a_hub_that_offers_xet_is_asked_for_plain_files(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Xet transfers passes by the deadline; this Hub offers it and does not have it."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with published.hub.fault("offers-xet"):
        assert _hub().source == "hub"


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("config.json", b"[" * 100_000, "nested too deep"),
        ("config.json", {"labels": 5}, "labels"),
        ("config.json", {"data": {"name": []}}, r"data\.name"),
        ("record.json", {"train_seconds": "long"}, "train_seconds"),
        ("record.json", {"metrics": {}}, r"metrics\.test"),
        ("model.safetensors", b"\x02" + bytes(7) + b"[]" + bytes(9), "safetensors"),
    ],
)
def test_nonsense_from_the_hub_leaves_the_bundle(
    published: Published, monkeypatch: pytest.MonkeyPatch, name: str, content, names: str
) -> None:
    """Files that are what their manifest says, and nonsense all the same."""
    if isinstance(content, dict):
        content = json.dumps(json.loads(published.files[name]) | content).encode()
    commit = published.commit_nonsense(published.files | {name: content})
    with pytest.raises(zoo.IntegrityError, match=names):
        _hub(revision=commit)
    monkeypatch.setenv("ZOO_REVISION", commit)
    model = zoo.load("mnist")
    assert model.source == "bundle"
    assert "because the Hub failed" in (model.notice or "")
    assert re.search(names, model.notice or "")
    if name == "record.json":
        assert zoo.record("mnist") == model.record
        with pytest.raises(zoo.IntegrityError, match=names):
            zoo.record("mnist", source="hub")


@pytest.mark.parametrize(
    ("size", "sha256"), [(10**15, None), (-5, None), ("9", None), (5, "x"), (5, 7)]
)
def test_a_manifest_of_nonsense(published: Published, size, sha256) -> None:
    listed = json.loads(tiny.manifest({"mnist": published.files}))
    for entry in listed["files"].values():
        entry |= {"size": size, "sha256": sha256 or entry["sha256"]}
    commit = published.commit_nonsense(published.files, json.dumps(listed).encode())
    with pytest.raises(zoo.IntegrityError, match=r"manifest\.json of .* cannot be read"):
        _hub(revision=commit)
