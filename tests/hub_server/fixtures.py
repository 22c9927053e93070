"""Fixtures for everything that talks to a Hub; a conftest.py imports them by name."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.hub_server.server import HubServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A fresh, empty, healthy loopback Hub."""
    with HubServer() as server:
        yield server


@pytest.fixture
def hub_api(hub: HubServer) -> HfApi:
    """The unmodified client of that Hub, with its token."""
    return HfApi(endpoint=hub.url, token=hub.token)


@pytest.fixture
def hub_environment(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    """Environment for subprocesses: that Hub, its own empty cache, nobody's token."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "ZOO_", "HUGGING"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return {
        **kept,
        **hub.environment(tmp_path / "hf_home"),
        "PYTHONPATH": str(ROOT),
        "PATH": path,
    }
