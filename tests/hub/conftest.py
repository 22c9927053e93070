"""A tiny zoo whose weights lie in the bundle and on a loopback Hub."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from tests.hub import tiny
from tests.hub.workspace import Workspace, make
from tests.hub_server import HubServer
from tests.hub_server.fixtures import hub, hub_api, hub_environment  # noqa: F401
from training.publish.repo_files import plain_network
from zoo.weights import catalog
from zoo.weights import hub as zoo_hub


@dataclass
class Published:
    """The tiny zoo: what is where."""

    hub: HubServer
    api: HfApi
    files: dict[str, bytes]
    commit: str
    cache: Path
    folder: Path

    def commit_files(self, files: dict[str, bytes], **options: str) -> str:
        """Another commit in the Hub repo, with a manifest that fits."""
        network = {"mnist/network.py": plain_network(json.loads(files["config.json"]))}
        return self._commit(files, network | {"manifest.json": _manifest(files)}, **options)

    def commit_nonsense(self, files: dict[str, bytes], manifest: bytes | None = None) -> str:
        """A commit of files that no model has, with a manifest that fits, or another."""
        return self._commit(files, {"manifest.json": manifest or _manifest(files)})

    def _commit(self, files: dict[str, bytes], others: dict[str, bytes], **options: str) -> str:
        contents = {f"mnist/{name}": data for name, data in files.items()} | others
        operations = [CommitOperationAdd(path, data) for path, data in contents.items()]
        return self.api.create_commit(
            tiny.REPO, operations, commit_message="weights", **options
        ).oid  # type: ignore[call-overload]

    def cached(self, name: str = "model.safetensors") -> Path:
        """Where the client's cache keeps a file of the pinned commit."""
        return self.cache / "models--tester--weights" / "snapshots" / self.commit / "mnist" / name

    def requests(self) -> int:
        """Requests since the last call."""
        count = len(self.hub.seen)
        self.hub.seen.clear()
        return count


def _manifest(files: dict[str, bytes]) -> bytes:
    return tiny.manifest({"mnist": files})


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``HF_ENDPOINT`` does; the client reads it when it is imported."""
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def published(
    hub: HubServer,  # noqa: F811
    hub_api: HfApi,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Published:
    """The tiny zoo in this process: its catalog pins the Hub repo; the cache is empty."""
    for name in ("ZOO_REPO", "ZOO_REVISION", "ZOO_TIMEOUT", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "hf_home"
    for name, value in hub.environment(home).items():  # for the download process
        monkeypatch.setenv(name, value)
    point_to(hub.url, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setenv("ZOO_TIMEOUT", "10")
    monkeypatch.setattr(zoo_hub, "_silences", {})

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    files = tiny.model_files()
    hub_api.create_repo(tiny.REPO)
    zoo_folder = tmp_path / "zoo"
    result = Published(hub, hub_api, files, "", home / "hub", zoo_folder)
    result.commit = result.commit_files(files)
    path = tiny.write_zoo(zoo_folder, {"mnist": files}, tiny.REPO, result.commit)
    monkeypatch.setattr(catalog, "CATALOG_PATH", path)
    hub.seen.clear()
    return result


@pytest.fixture
def workspace(hub: HubServer, tmp_path: Path) -> Workspace:  # noqa: F811
    """A copy of the project with one tiny model, not published yet."""
    result = make(tmp_path / "project", hub, tmp_path / "hf_home")
    result.write_models({"mnist": tiny.model_files()})
    return result
