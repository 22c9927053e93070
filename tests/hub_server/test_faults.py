"""Each fault of the loopback Hub makes the unmodified client see what the real one would."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_server import KINDS, Fault, HubServer

CONFIG = b'{"format": 1, "model": "mnist", "labels": ["0", "1", "2", "3", "4", "5"]}'
PATH = "mnist/config.json"


@pytest.fixture
def download(hub: HubServer, hub_api: HfApi, tmp_path: Path):
    """Download a small file of a repo into an empty cache."""
    hub_api.create_repo("tester/weights")
    hub_api.create_commit(
        "tester/weights", [CommitOperationAdd(PATH, CONFIG)], commit_message="one"
    )
    hub.seen.clear()

    def run(**options: object) -> bytes:
        path = hf_hub_download(
            "tester/weights",
            PATH,
            endpoint=hub.url,
            cache_dir=tmp_path / "cache",
            token=hub.token,
            etag_timeout=1,
            **options,  # type: ignore[arg-type]
        )
        return Path(path).read_bytes()

    return run


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", HfHubHTTPError),
        ("403-gated", GatedRepoError),
        ("404-repo", RepositoryNotFoundError),
        ("404-revision", RevisionNotFoundError),
        ("404-file", RemoteEntryNotFoundError),
    ],
)
def test_refusals(hub: HubServer, download, kind: str, error: type[Exception]) -> None:
    with hub.fault(kind), pytest.raises(error):
        download()
    assert download() == CONFIG


@pytest.mark.parametrize("kind", ["500", "503"])
def test_a_failing_server_recovers(hub: HubServer, download, kind: str) -> None:
    with hub.fault(kind, times=1):
        assert download() == CONFIG


def test_conflict(hub: HubServer, hub_api: HfApi, download) -> None:
    with hub.fault("412", path="/commit/"), pytest.raises(HfHubHTTPError, match="412"):
        hub_api.create_commit(
            "tester/weights", [CommitOperationAdd(PATH, b"{}")], commit_message="two"
        )


def test_truncated_once_is_resumed(hub: HubServer, download) -> None:
    with hub.fault("truncate", times=1):
        assert download() == CONFIG
    ranges = [seen.headers.get("range") for seen in hub.seen if seen.method == "GET"]
    assert ranges[0] is None
    assert len(ranges) == 2, "the client asks again, from where the body broke off"


def test_truncated_always_fails(hub: HubServer, download) -> None:
    with hub.fault("truncate"), pytest.raises((httpx2.HTTPError, OSError)):
        download()


def test_corruption_passes_the_client(hub: HubServer, download) -> None:
    """The reason for our own sha256: the client accepts and caches a wrong byte."""
    with hub.fault("corrupt"):
        wrong = download()
    assert len(wrong) == len(CONFIG)
    assert wrong != CONFIG
    assert download() == wrong, "and it stays in the cache"
    assert download(force_download=True) == CONFIG


def test_another_file_passes_the_client(hub: HubServer, download) -> None:
    with hub.fault("wrong-file"):
        assert download() != CONFIG


def test_no_token_follows_a_redirect(hub: HubServer, download) -> None:
    with hub.fault("redirect"):
        assert download() == CONFIG
    tokens = {seen.host: seen.token for seen in hub.seen}
    assert tokens == {"hub": f"Bearer {hub.token}", "cdn": None}


def test_slow(hub: HubServer, download) -> None:
    started = time.perf_counter()
    with hub.fault("slow", seconds=0.05):
        assert download() == CONFIG
    assert time.perf_counter() - started > 0.4


@pytest.mark.parametrize("kind", ["hang", "stall"])
def test_a_hanging_server_hangs(hub: HubServer, download, tmp_path: Path, kind: str) -> None:
    """In a process that can be ended, which a waiting thread cannot."""
    code = f"from huggingface_hub import hf_hub_download as get; get('tester/weights', '{PATH}')"
    with hub.fault(kind), pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **hub.environment(tmp_path / "home")},
            capture_output=True,
            timeout=3,
        )


def test_unknown_fault() -> None:
    with pytest.raises(ValueError, match="Unknown fault"):
        Fault("flood")
    assert all(KINDS.values())


def test_a_fault_can_be_limited_to_a_path(hub: HubServer, download) -> None:
    with hub.fault("500", path="model.safetensors"):
        assert download() == CONFIG
