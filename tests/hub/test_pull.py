"""What the zoo pulls from the Hub is what the catalog pins, or a clear error."""

import json
from pathlib import Path

import numpy as np
import pytest

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


@pytest.mark.parametrize("by_xet", [True, False], ids=["xet", "lfs"])
def test_no_token_leaves_the_hub(
    published: Published, monkeypatch: pytest.MonkeyPatch, by_xet: bool
) -> None:
    token = published.hub.token
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "0" if by_xet else "1")
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
