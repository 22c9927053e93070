"""The benchmarks of a visitor's wait measure what is on the pages today."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import sync_playwright

from training.benchmarks.pages import (
    digits_page,
    feature_maps_page,
    first_visit,
    page_wait,
    samples_page,
)
from training.benchmarks.pages.chromium import launch
from training.benchmarks.pages.clock import BESIDE, IMAGE, NETWORK, PARTS


@pytest.mark.parametrize(
    ("benchmark", "more"),
    [(digits_page, []), (feature_maps_page, ["Digits"]), (samples_page, ["digits"])],
)
def test_a_wait_is_measured_and_taken_apart(benchmark, more: list[str], url: str) -> None:
    # A thread has no running loop: the browser of other tests may have one open in this process.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(benchmark.measure, url, *more, 2).result()
    assert found["n"] == 2
    assert found["median_ms"] > 0
    parts = {name: part["median_ms"] for name, part in found["parts"].items()}
    beside = {IMAGE} if more else {IMAGE, NETWORK}
    assert parts.keys() == PARTS.keys() | beside <= PARTS.keys() | BESIDE.keys()
    # Of two waits the median is the mean, so that here, too, the parts are the whole.
    assert sum(parts[name] for name in PARTS) == pytest.approx(found["median_ms"], abs=1)
    assert parts["begin"] > 0
    assert parts["script"] == 0  # the short way: the answer is the first that comes
    assert found["kb_received"] > 0
    assert all(name in page_wait.table(found, "actions") for name in parts)


def test_a_page_is_there_before_its_run_is_finished(url: str) -> None:
    def visited() -> dict[str, float]:
        with sync_playwright() as driver:
            browser = launch(driver)
            found = first_visit.visit(browser, f"{url}/use_the_weights")
            browser.close()
        return found

    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(visited).result()
    assert 0 < found["heading_s"] <= found["finished_s"] <= found["drawn_s"]
    assert 1 < found["script_mb"] < 20
    rows = [
        {"page": "cars", "visitor": visitor, "finished_s": seconds, "start_s": start}
        | {"script_mb": 2 * seconds}
        for visitor, seconds, start in (("first", 3.0, 4.0), ("second", 1.0, None))
    ]
    said = first_visit.finding(rows)
    assert "cars 3.0 and 1.0" in said
    assert "to the first heading it takes 4.0 seconds" in said
    assert "2.0 to 6.0 MB" in said
