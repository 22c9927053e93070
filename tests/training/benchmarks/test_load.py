"""The load benchmark: its visitors click what the page offers, and its figures add up."""

from __future__ import annotations

import json

import pytest

from training.benchmarks.pages import load
from training.benchmarks.pages.load import Findings, PageRun
from training.benchmarks.pages.page_wait import Server
from training.benchmarks.pages.visitors import PageError, Visitor, controls


@pytest.fixture
def server(shared_server: Server) -> Server:
    return shared_server


def selected(messages: list) -> list[str]:
    """Return which samples the strips of a page show as chosen."""
    components = [message.delta.new_element.bidi_component for message in messages]
    strips = [c for c in components if "thumbnails" in c.component_name]
    return [json.loads(strip.json)[0]["selected"] for strip in strips]


def test_a_click_on_a_sample_reruns_its_part_of_the_page_with_that_sample(server: Server) -> None:
    with Visitor(server.url) as visitor:
        opened = visitor.open("digits")
        (before,) = selected(opened)
        offered = [c for c in controls(opened) if before not in c.state.json_trigger_value]
        bytes_before = visitor.received
        answered = visitor.click(offered[3])
        (chosen,) = json.loads(offered[3].state.json_trigger_value)
        assert selected(answered) == [chosen["value"]] != [before]
        assert 0 < visitor.received - bytes_before < bytes_before  # less than the whole page


def test_a_small_class_meets_no_error_and_is_measured(server: Server) -> None:
    found = load.measure(server, 2, seconds=4.0, pause=(0.05, 0.1), pages=["digits"])
    assert found.errors == []
    assert {run.opened for run in found.runs} == {True, False}
    result = load.summary(found)
    assert result["all"]["n"] == len(found.runs)
    assert sum(row["n"] for row in result["pages"].values()) == len(found.runs)
    assert result["server"]["memory_mb"]["most"] > 50
    assert result["server"]["cores"] > 0
    assert json.loads(json.dumps(result)) == result
    assert "0 errors" in load.table(result)
    rows = load.rows({"sessions": 2} | result)
    assert [row["page"] for row in rows] == ["all", "digits", "clicks"]
    assert load.finding(rows).endswith("; 0 errors.")


def test_the_figures_are_those_of_the_runs() -> None:
    runs = [PageRun("cars", True, seconds / 100, 2000) for seconds in range(1, 101)]
    found = Findings([*runs, PageRun("", False, 3.0, 1000)], ["x"], [(1, 0.5, 100), (2, 1.5, 90)])
    result = load.summary(found)
    assert result["pages"]["cars"] == {"n": 100, "p50_s": 0.505, "p95_s": 0.96, "kb_a_run": 2.0}
    assert result["pages"]["overview"]["n"] == result["clicks"]["n"] == 1
    assert result["server"]["cores"] == 1.0
    assert result["server"]["memory_mb"] == {"first": 100, "most": 100, "last": 90}
    with pytest.raises(RuntimeError, match="No run of a page was finished: gone"):
        load.summary(Findings(errors=["gone"]))


def test_a_page_that_does_not_exist_is_an_error(server: Server) -> None:
    with Visitor(server.url) as visitor, pytest.raises(PageError):
        visitor.open("nowhere")


def test_memory_that_grows_is_told_from_memory_that_has_filled_up() -> None:
    filled = [(float(at), 1.0, min(500 + at, 600)) for at in range(1, 301)]
    assert load.growth(filled) == pytest.approx(0, abs=1e-9)
    leaking = [(float(at), 1.0, 500 + at) for at in range(1, 301)]
    assert load.growth(leaking) == pytest.approx(60)
    assert load.growth(leaking[:1]) == load.growth([]) == 0
    kept = load.over_time(leaking)
    assert len(kept) == 61
    assert kept[-1] == {"seconds": 300, "cores": 1.0, "memory_mb": 800}
    result = load.summary(Findings([PageRun("", True, 0.1, 1)], [], leaking))
    assert "504 564 624 684 744 800 MB; +60.0 MB a minute" in load.table(result)
