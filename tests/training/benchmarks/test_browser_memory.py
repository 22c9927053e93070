"""Imaginary visitors keep what a browser keeps, and are not sent it again."""

from __future__ import annotations

import re

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from training.benchmarks.pages import rerun_cost
from training.benchmarks.pages.browser_memory import MessageMemory, addresses
from training.benchmarks.pages.page_wait import Server
from training.benchmarks.pages.visitors import Visitor, controls


@pytest.fixture
def server(shared_server: Server) -> Server:
    return shared_server


def test_a_page_that_is_opened_again_sends_what_has_changed_alone(server: Server) -> None:
    with Visitor(server.url) as visitor:
        received = []
        for page in ("digits", "", "digits"):
            before = visitor.received
            messages = visitor.open(page)
            visitor.look(messages)
            received.append(visitor.received - before)
        assert received[2] < received[0] / 3
        assert len(controls(messages)) > 10  # what was not sent is there all the same


def test_samples_are_fetched_once_and_not_sent_with_every_answer(server: Server) -> None:
    with Visitor(server.url) as visitor:
        messages = visitor.open("digits")
        found = list(addresses(messages))
        assert len(set(found)) > 20
        visitor.look(messages)  # raises if one is not to be had
        after = visitor.received
        visitor.look(messages)
        assert visitor.received == after
        answered = visitor.click(controls(messages)[1])
        sent = b"".join(message.SerializeToString() for message in answered)
        inside = re.findall(rb"data:image/\w+;base64,[\w+/=]+", sent)
        # What the network sees, and thumbnails so small that asking for them would cost more.
        assert max(map(len, inside)) < 1_500
        assert sum(map(len, inside)) < 10_000


def test_costs_are_told_by_page_and_action(server: Server) -> None:
    costs = list(rerun_cost.measure(server, ["digits", ""], times=2))
    actions = {(cost.page, cost.action) for cost in costs}
    assert {("digits", "stroke"), ("digits", "sample"), ("overview", "open")} <= actions
    assert all(cost.kilobytes > 0 and cost.milliseconds >= 0 for cost in costs)
    assert all(cost.page in rerun_cost.line(cost) for cost in costs)


def test_messages_are_kept_for_so_many_runs_after_their_last_use() -> None:
    memory = MessageMemory()
    sent = message("a", "whole")
    assert memory.whole(sent) is sent
    memory.whole(message("b", "part", fragment="part"))
    memory.whole(message("c", "small", cacheable=False))
    assert memory.hashes == ["a", "b"]
    memory.run_ended(1, ["part"])
    memory.run_ended(1, ["part"])
    assert memory.hashes == ["a"]  # the rest of the page did not run
    again = ForwardMsg(ref_hash="a")
    again.metadata.delta_path.extend([0, 7])
    found = memory.whole(again)
    assert found.delta.new_element.text.body == "whole"
    assert list(found.metadata.delta_path) == [0, 7]
    memory.run_ended(1, [])
    assert memory.hashes == ["a"]
    memory.run_ended(1, [])
    assert memory.hashes == []
    with pytest.raises(KeyError):
        memory.whole(again)


def message(name: str, text: str, fragment: str = "", cacheable: bool = True) -> ForwardMsg:
    made = ForwardMsg(hash=name)
    made.metadata.cacheable = cacheable
    made.delta.fragment_id = fragment
    made.delta.new_element.text.body = text
    return made
