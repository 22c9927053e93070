"""The loopback Hub takes uploads from the unmodified client, large files by LFS."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.hub_server import HubServer

README = "---\nlicense: apache-2.0\n---\n# Weights\n"

# Run in a subprocess because the client reads HF_ENDPOINT when it is imported
UPLOAD_AND_DOWNLOAD = """
import json, sys
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
api = HfApi(token=sys.argv[2])
api.create_repo("tester/weights")
first = api.upload_folder(repo_id="tester/weights", folder_path=sys.argv[1], commit_message="one")
again = api.upload_folder(repo_id="tester/weights", folder_path=sys.argv[1], commit_message="two")
api.create_tag("tester/weights", tag="v1", revision=first.oid)
print(json.dumps({
    "first": first.oid, "again": again.oid,
    "files": sorted(api.list_repo_files("tester/weights", revision="v1")),
    "one": hf_hub_download("tester/weights", "mnist/model.safetensors", revision="v1"),
    "all": snapshot_download("tester/weights", revision=first.oid),
}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder."""
    path = tmp_path / "upload" / "mnist"
    path.mkdir(parents=True)
    generator = np.random.default_rng(0)
    weights = generator.normal(size=60_000).astype(np.float32).tobytes() + bytes(50_000)
    (path / "model.safetensors").write_bytes(weights)
    (path / "config.json").write_text('{"format": 1}')
    (path.parent / "README.md").write_text(README)
    return path.parent


def test_upload_tag_and_download(
    hub: HubServer, folder: Path, hub_environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UPLOAD_AND_DOWNLOAD, str(folder), hub.token],
        env=hub_environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)

    assert result["files"] == [
        ".gitattributes",
        "README.md",
        "mnist/config.json",
        "mnist/model.safetensors",
    ]
    assert result["first"] == result["again"], "an unchanged folder must not make a commit"
    weights = (folder / "mnist" / "model.safetensors").read_bytes()
    assert Path(result["one"]).read_bytes() == weights
    assert (Path(result["all"]) / "mnist" / "model.safetensors").read_bytes() == weights

    assert any(path.startswith("/upload/") for path in hub.paths("PUT"))
    stored = hub.storage.repo("model", "tester/weights").resolve("main").files
    assert stored["mnist/model.safetensors"].sha256 == hashlib.sha256(weights).hexdigest()


def test_the_account_token_stays_on_the_hub(
    hub: HubServer, folder: Path, hub_environment: dict[str, str]
) -> None:
    subprocess.run(
        [sys.executable, "-c", UPLOAD_AND_DOWNLOAD, str(folder), hub.token],
        env=hub_environment | {"HF_TOKEN": hub.token},
        check=True,
        capture_output=True,
        timeout=60,
    )
    elsewhere = [seen for seen in hub.seen if seen.host == "cdn"]
    assert elsewhere
    assert not [seen for seen in elsewhere if hub.token in str(seen.headers)]


def _commit(api: HfApi, text: str, parent: str | None = None) -> str:
    operation = CommitOperationAdd("mnist/config.json", text.encode())
    return api.create_commit(
        "tester/weights", [operation], commit_message=text, parent_commit=parent
    ).oid


def test_a_stale_parent_is_refused(hub_api: HfApi) -> None:
    hub_api.create_repo("tester/weights")
    old = _commit(hub_api, "one")
    new = _commit(hub_api, "two", parent=old)
    with pytest.raises(HfHubHTTPError) as caught:
        _commit(hub_api, "three", parent=old)
    assert caught.value.response.status_code == 412
    assert hub_api.repo_info("tester/weights").sha == new


def test_delete_history_and_refs(hub_api: HfApi) -> None:
    hub_api.create_repo("tester/weights")
    first = _commit(hub_api, "one")
    hub_api.create_commit(
        "tester/weights",
        [CommitOperationDelete("mnist/", is_folder=True)],
        commit_message="tidy",
    )
    assert hub_api.list_repo_files("tester/weights") == [".gitattributes"]
    titles = [commit.title for commit in hub_api.list_repo_commits("tester/weights")]
    assert titles == ["tidy", "one", "initial commit"]
    hub_api.create_tag("tester/weights", tag="v1", revision=first)
    refs = hub_api.list_repo_refs("tester/weights")
    assert [(tag.name, tag.target_commit) for tag in refs.tags] == [("v1", first)]
    with pytest.raises(HfHubHTTPError, match="409"):
        hub_api.create_tag("tester/weights", tag="v1")


def test_creating_a_repo_twice(hub_api: HfApi) -> None:
    hub_api.create_repo("tester/weights")
    hub_api.create_repo("tester/weights", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="409"):
        hub_api.create_repo("tester/weights")


def test_a_space_repo(hub_api: HfApi) -> None:
    hub_api.create_repo("tester/app", repo_type="space", space_sdk="docker")
    hub_api.create_commit(
        "tester/app",
        [CommitOperationAdd("README.md", b"---\nsdk: docker\n---\n")],
        commit_message="app",
        repo_type="space",
    )
    assert hub_api.space_info("tester/app").sdk == "docker"


def test_writing_needs_the_token(hub: HubServer) -> None:
    with pytest.raises(HfHubHTTPError, match="401"):
        HfApi(endpoint=hub.url, token="hf_wrong").create_repo("tester/weights")


def test_a_private_repo_is_hidden(hub: HubServer, hub_api: HfApi) -> None:
    hub_api.create_repo("tester/secret", private=True)
    assert hub_api.repo_info("tester/secret").private
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=False).repo_info("tester/secret")


def test_invalid_front_matter_is_refused(hub_api: HfApi) -> None:
    hub_api.create_repo("tester/weights")
    broken = CommitOperationAdd("README.md", b"---\nlicense: [\n---\n")
    with pytest.raises(ValueError, match="Invalid metadata"):
        hub_api.create_commit("tester/weights", [broken], commit_message="card")
