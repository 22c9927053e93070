"""Offline, half-filled, damaged, read-only and full caches; several processes; interruptions."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

import zoo
from tests.hub.conftest import Published, point_to
from tests.hub_server.fixtures import ROOT
from zoo.weights import hub_causes

PULL = """
import sys
from pathlib import Path
import zoo, zoo.weights.catalog
zoo.weights.catalog.CATALOG_PATH = Path(sys.argv[1])
model = zoo.load("mnist", source="hub")
print(model.source, model.notice)
"""


def _hub(**options) -> zoo.Model:
    return zoo.load("mnist", source="hub", **options)


def start(published: Published, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PULL, str(published.folder / "catalog.json")],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def half_written(published: Published) -> list[Path]:
    return list(published.cache.glob("*/blobs/*.incomplete"))


# --- no network ----------------------------------------------------------------------------------


def test_offline_with_a_warm_cache(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    _hub()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    published.requests()
    assert _hub().source == "hub"
    assert published.requests() == 0


def test_offline_with_an_empty_cache(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(zoo.HubError, match="HF_HUB_OFFLINE is set"):
        _hub()
    assert published.requests() == 0
    assert zoo.load("mnist").source == "bundle"


def test_no_connection(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        point_to(f"http://127.0.0.1:{closed.getsockname()[1]}", monkeypatch)
        with pytest.raises(zoo.HubError, match=r"no connection to http://127\.0\.0\.1"):
            _hub()


def test_a_branch_as_the_cache_last_saw_it(published: Published) -> None:
    _hub(revision="main")
    with published.hub.fault("503"):
        model = _hub(revision="main")
    assert model.source == "hub"
    assert "could not be asked" in (model.notice or "")
    assert published.commit[:12] in (model.notice or "")


# --- the state of the cache ----------------------------------------------------------------------


def test_half_filled(published: Published) -> None:
    _hub()
    published.cached("record.json").unlink()
    published.requests()
    _hub()
    published.cached("config.json").unlink()
    assert all("record.json" in path for path in published.hub.paths()), "only what is missing"
    _hub()


def test_damaged_file_is_replaced(published: Published) -> None:
    _hub()
    blob = published.cached().resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x7f")
    assert _hub().source == "hub"
    assert blob.read_bytes() == published.files["model.safetensors"]


def test_damaged_file_without_the_hub(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub()
    monkeypatch.setenv("ZOO_TIMEOUT", "1")
    published.cached().resolve().write_bytes(b"damaged")
    with published.hub.fault("500"), pytest.raises(zoo.HubError, match=r"is damaged and cannot"):
        _hub()
    with published.hub.fault("500"):
        model = zoo.load("mnist")
    assert model.source == "bundle"
    assert "is damaged and cannot be replaced" in (model.notice or "")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator:
    """Mount a small file system: root can write anywhere, but not past its end."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("mounting needs root")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def test_read_only_cache(published: Published, monkeypatch: pytest.MonkeyPatch, mounted) -> None:
    folder = mounted("size=1m")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    _hub()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    assert _hub().source == "hub", "reading needs no writing"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "empty"))
    with pytest.raises(zoo.HubError, match=r"cannot be written .*; set HF_HOME"):
        _hub()


@pytest.mark.filterwarnings("ignore:Not enough free disk space")  # the client's own
def test_full_disk(published: Published, monkeypatch: pytest.MonkeyPatch, mounted) -> None:
    folder = mounted("size=48k")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    with pytest.raises(zoo.HubError, match=r"is full; free space"):
        _hub()
    assert not list(folder.glob("*/blobs/*.incomplete")), "what cannot be used does not stay"
    assert zoo.load("mnist").source == "bundle"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk of the cache /cache is full"),
        (errno.EROFS, "The cache /cache cannot be written"),
        (errno.EACCES, "The cache /cache cannot be written"),
        (errno.EIO, "The download failed"),
    ],
)
def test_what_the_system_says(monkeypatch: pytest.MonkeyPatch, number: int, sentence: str) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/cache")
    error = OSError(number, os.strerror(number))
    assert hub_causes.explain(error, "a/b", "main", "x").startswith(sentence)


# --- the progress bar ----------------------------------------------------------------------------


def test_a_long_download_shows_a_bar_on_a_terminal(published: Published) -> None:
    parent, child = os.openpty()
    termios.tcsetwinsize(child, (24, 100))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    del environment["HF_HUB_DISABLE_PROGRESS_BARS"]
    with published.hub.fault("slow", path="^/cdn/", seconds=0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", PULL, str(published.folder / "catalog.json")],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=child,
        )
        os.close(child)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
            while piece := os.read(parent, 4096):
                shown += piece
        os.close(parent)
    assert process.wait(120) == 0
    assert b"mnist/model.safetensors" in shown
    assert len(set(re.findall(rb"(\d+)%", shown))) > 2, shown


# --- several processes, interruptions ------------------------------------------------------------


def test_several_processes_at_once(published: Published) -> None:
    """Each waits for the one that downloads, longer than its own deadline, and all succeed."""
    with published.hub.fault("slow", path="^/cdn/", seconds=0.4):
        running = [start(published, ZOO_TIMEOUT="2") for _ in range(3)]
        ended = [process.communicate(timeout=300) for process in running]
    assert [out for out, _ in ended] == ["hub None\n"] * 3, ended
    downloads = [path for path in published.hub.paths("GET") if path.startswith("/cdn/")]
    assert len(downloads) == 1, "one downloaded, the others waited"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_interrupted_download(published: Published, number: signal.Signals) -> None:
    with published.hub.fault("slow", path="^/cdn/", seconds=1.0):
        process = start(published)
        wait_until(lambda: any(path.stat().st_size for path in half_written(published)))
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
    assert process.returncode != 0
    left = len(half_written(published))
    assert left <= 1
    if number == signal.SIGINT:
        assert left == 0, "Ctrl-C leaves time to tidy up"
    assert _hub().source == "hub", "a half-written file is never used"


def test_the_deadline_ends_the_download(published: Published) -> None:
    started = time.perf_counter()
    with published.hub.fault("stall", path="^/cdn/"), pytest.raises(zoo.HubError, match="nothing"):
        _hub(timeout=1)
    assert time.perf_counter() - started < 6
    assert not half_written(published)


def test_a_silent_hub_costs_the_deadline_once(published: Published) -> None:
    """A page with several models must not wait for each of them."""
    with published.hub.fault("hang"):
        zoo.load("mnist", timeout=1.5)
        started = time.perf_counter()
        model = zoo.load("mnist", timeout=1.5)
        assert time.perf_counter() - started < 1.4, "it waited for the deadline again"
        assert model.source == "bundle"
        assert "because the Hub failed" in (model.notice or "")
        with pytest.raises(zoo.HubError):  # who insists, waits
            _hub(timeout=1)
    assert _hub().source == "hub"
    assert zoo.load("mnist").source == "hub", "an answer ends the memory"
