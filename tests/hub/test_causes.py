"""A setting that is wrong is named in the one sentence; a hiccup ends nothing; nothing is left."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

import zoo
from tests.hub.conftest import Published, point_to
from tests.hub.test_cache import PULL, half_written, start, wait_until
from tests.hub_server.fixtures import ROOT

NETWORK = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _own_session(monkeypatch: pytest.MonkeyPatch):
    """A session of the client that reads the settings of this test, and no one else's."""
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    close_session()
    yield
    close_session()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:9/", r"The proxy in ALL_PROXY cannot be used \(Unknown"),
        ("all_proxy", "socks5://127.0.0.1:9/", r"proxy in all_proxy speaks SOCKS: pip install"),
        ("HTTPS_PROXY", "http://proxy:abc", r"proxy in HTTPS_PROXY cannot be used \(Invalid port"),
        ("HTTP_PROXY", "http://127.0.0.1:9", r"through the proxy in HTTP_PROXY .*refused"),
        ("ALL_PROXY", "http://127.0.0.1:9", r"through the proxy in ALL_PROXY"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", r"SSL_CERT_FILE is '/nowhere/ca.pem'.*no such file"),
        ("SSL_CERT_FILE", __file__, r"SSL_CERT_FILE is .* cannot be used"),
        ("HF_TOKEN", "hf_äöü", r"The token in HF_TOKEN holds characters"),
        ("ZOO_REPO", "https://huggingface.co/tester/weights", r"ZOO_REPO is .*named owner/name"),
    ],
)
def test_a_setting_is_named(
    published: Published, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    close_session()  # the one that the fixture uploaded with
    with pytest.raises(zoo.HubError, match=sentence) as error:
        zoo.load("mnist", source="hub")
    assert "\n" not in str(error.value)
    model = zoo.load("mnist")
    assert model.source == "bundle"
    assert re.search(sentence, model.notice or "")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nonsense", "HF_ENDPOINT is 'nonsense', which is no address"),
        ("http:", "HF_ENDPOINT is 'http:', which is no address"),
        ("ftp://huggingface.co", "HF_ENDPOINT is 'ftp://huggingface.co', which is no address"),
        ("http://127.0.0.1:9", r"no connection to http://127\.0\.0\.1:9; .* HF_ENDPOINT"),
    ],
)
def test_an_endpoint_is_named(
    published: Published, monkeypatch: pytest.MonkeyPatch, address: str, sentence: str
) -> None:
    point_to(address, monkeypatch)
    with pytest.raises(zoo.HubError, match=sentence):
        zoo.load("mnist", source="hub")


def test_an_address_that_is_no_hub(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    """A router's page, say: it answers everything, and not as a Hub does."""
    with published.hub.fault("no-hub"), pytest.raises(zoo.HubError, match=r"as a Hub does.*HF_END"):
        zoo.load("mnist", source="hub")


@pytest.mark.parametrize("setting", ["HF_HOME", "HF_HUB_CACHE"])
@pytest.mark.parametrize("where", [__file__, "/proc/nobody"])
def test_a_cache_is_named(
    published: Published, monkeypatch: pytest.MonkeyPatch, setting: str, where: str
) -> None:
    for name in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(setting, where)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", where)
    with pytest.raises(zoo.HubError, match=rf"cache {where} cannot be written.*set {setting}"):
        zoo.load("mnist", source="hub")


def test_a_setting_that_the_client_cannot_read(published: Published) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_ETAG_TIMEOUT": "soon"}
    catalog = str(published.folder / "catalog.json")
    done = subprocess.run(
        [sys.executable, "-c", PULL, catalog], env=environment, capture_output=True, text=True
    )
    assert "HubError: The Hub client cannot start" in done.stderr
    assert "correct HF_HUB_ETAG_TIMEOUT." in done.stderr


# --- hiccups -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["^/cdn/", "/resolve/"])
@pytest.mark.parametrize("kind", ["500", "503"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_hiccup_ends_nothing(published: Published, kind: str, path: str, times: int) -> None:
    with published.hub.fault(kind, path=path, times=times):
        model = zoo.load("mnist", source="hub")
    assert (model.source, model.notice) == ("hub", None)


# --- threads that hang ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stall", "hang"])
def test_a_thread_that_hangs_keeps_nothing(published: Published, kind: str) -> None:
    """After the deadline: no thread, no half-written file, no lock, and the Hub may recover."""
    with published.hub.fault(kind, path="^/cdn/"), pytest.raises(zoo.HubError, match="nothing"):
        zoo.load("mnist", source="hub", timeout=1)
    assert not half_written(published)
    assert not [t for t in threading.enumerate() if t.name.startswith("download of")]
    started = time.perf_counter()
    assert zoo.load("mnist", source="hub").source == "hub"
    assert time.perf_counter() - started < 5, "no lock was left"


@pytest.mark.parametrize("kind", ["stall", "hang"])
def test_no_exit_waits_for_a_thread_that_hangs(published: Published, kind: str) -> None:
    """Ctrl-C ends at once, though the deadline is far away."""
    with published.hub.fault(kind, path="^/cdn/"):
        process = start(published, ZOO_TIMEOUT="300")
        wait_until(lambda: any("/cdn/" in path for path in published.hub.paths()))
        started = time.perf_counter()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=100)
    assert time.perf_counter() - started < 60
    assert "KeyboardInterrupt" in err
    if kind == "stall":
        assert not half_written(published)


def test_sigterm_leaves_nothing_running(published: Published, tmp_path: Path) -> None:
    """There is one process, and it ends."""
    with published.hub.fault("slow", path="^/cdn/", seconds=1.0):
        process = start(published)
        wait_until(lambda: bool(half_written(published)))
        group = os.getpgid(process.pid)
        process.terminate()
        process.communicate(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert zoo.load("mnist", source="hub").source == "hub", "a half-written file is never used"
