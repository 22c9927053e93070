"""The server under the memory limit that compose.yaml gives its container."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from training.benchmarks.pages import large_photos, memory

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process's memory: Linux only")
def test_warm_up_and_all_pages_fit_under_the_containers_limit() -> None:
    """Pages that fail for want of memory end in a PageError, a server that dies in another."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    limit = compose["services"]["app"]["mem_limit"]
    assert limit.endswith("m")
    found = memory.measure(visitors=3, rounds=1, limit=int(limit[:-1]))
    assert found["warmed up"] > 400, "it has not warmed up"
    assert found["peak"] <= 1500
    assert found["3 visitors, all pages"] <= 1200


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process's memory: Linux only")
def test_large_photos_that_come_at_once_fit_too() -> None:
    """Two of 64 megapixels over HTTP, a cut-out and a mask: the second waits for the first."""
    found = large_photos.measure("api", large_photos.SIZES[:1] * 2)
    assert found["warmed up"] > 400, "it has not loaded its network"
    assert found["peak"] <= 1500
