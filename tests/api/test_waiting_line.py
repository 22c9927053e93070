"""What bounds the requests: a core each, one large image at a time, bodies that never come."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from starlette.requests import Request

from api import request_image
from api.refusals import Refusal
from api.waiting_line import BODIES, LARGE, WaitingLine
from tests import own_thread


class Counter:
    """Counts who is inside at the same time."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.02)
        with self._lock:
            self.inside -= 1


@pytest.mark.parametrize(("pixels", "most"), [(LARGE, 3), (LARGE + 1, 1)])
def test_answers_at_the_same_time(pixels: int, most: int) -> None:
    counter, line = Counter(), WaitingLine(cores=3)

    async def all_at_once() -> None:
        await asyncio.gather(*(line.answer(counter.work, pixels) for _ in range(9)))

    own_thread.run(lambda: asyncio.run(all_at_once()))
    assert counter.most == most


def test_a_place_is_given_back_whatever_happens() -> None:
    line = WaitingLine(cores=1, waiting=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), line.take_place():
            raise ZeroDivisionError
    with line.take_place(), line.take_place(), pytest.raises(Refusal) as refused:
        line.take_place()
    assert refused.value.status == 503


def test_the_bodies_of_all_have_a_limit() -> None:
    line = WaitingLine(cores=1, waiting=9)
    with line.take_place(BODIES + 1), pytest.raises(Refusal):  # alone it has its place
        line.take_place(1)
    with line.take_place(BODIES - 1), line.take_place(1), pytest.raises(Refusal) as refused:
        line.take_place(1)
    assert refused.value.status == 503
    with line.take_place(BODIES):
        pass


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_image, "PATIENCE", 0.01)

    async def never() -> dict[str, object]:
        await asyncio.sleep(60)
        return {}

    request = Request({"type": "http", "method": "POST", "headers": []}, never)
    with pytest.raises(Refusal) as refused:
        own_thread.run(lambda: asyncio.run(request_image.read(request)))
    assert refused.value.status == 408
