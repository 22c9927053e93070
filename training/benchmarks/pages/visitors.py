"""Visitors without a browser: they speak Streamlit's own protocol, so that many cost little.

They keep what a browser keeps, so that the server sends them what it would send to one: messages
that come again are not sent again, and what has an address is fetched once.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from training.benchmarks.pages.browser_memory import FileMemory, MessageMemory

PAGES = (
    "",  # the overview
    "digits",
    "objects",
    "cars",
    "feature_maps",
    "batch_norm",
    "experiments",
    "use_the_weights",
)


# The frontend's name for what a component fires; Streamlit has no public one.
_INTERNAL = "$$STREAMLIT_INTERNAL_KEY"
_FINISHED = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)


class PageError(Exception):
    """A page ended in an error, or not at all; the message says which and why."""


@dataclass(frozen=True)
class Control:
    """Something on a page to click, and what the browser would send.

    Attributes:
        page: Hash of the page's script.
        fragment: The part of the page that runs again, "" for all of it.
        state: What the server is told.
    """

    page: str
    fragment: str
    state: WidgetState


def controls(messages: Sequence[ForwardMsg]) -> list[Control]:
    """Return what can be clicked of what a server sent: each sample image, each switch."""
    page, found = "", []
    for message in messages:
        if message.WhichOneof("type") == "navigation":
            page = message.navigation.page_script_hash
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        states: list[WidgetState] = []
        if kind == "checkbox":
            box = element.checkbox
            states = [WidgetState(id=box.id, bool_value=not box.default)]
        elif kind == "bidi_component" and "thumbnails" in element.bidi_component.component_name:
            strip = element.bidi_component
            states = [
                WidgetState(
                    id=f"{_INTERNAL}_{strip.id}__events",
                    json_trigger_value=json.dumps([{"event": "picked", "value": item["id"]}]),
                )
                for group in json.loads(strip.json)[0]["groups"]
                for item in group["items"]
            ]
        found += [Control(page, message.delta.fragment_id, state) for state in states]
    return found


def drawing(
    messages: Sequence[ForwardMsg], strokes: Sequence[Sequence[int]], png: bytes
) -> Control | None:
    """Return what draws on the pad of what a server sent; None if there is no pad.

    Args:
        messages: Of the run that drew the page.
        strokes: Each x0, y0, x1, y1, … in a square of 1000 × 1000.
        png: The same as a PNG file.
    """
    page = ""
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    for message in messages:
        if message.WhichOneof("type") == "navigation":
            page = message.navigation.page_script_hash
        pad = message.delta.new_element.bidi_component
        if "drawing_pad" in pad.component_name:
            value = {"drawing": {"strokes": [list(s) for s in strokes], "png": url}}
            state = WidgetState(id=pad.id, json_value=json.dumps(value))
            return Control(page, message.delta.fragment_id, state)
    return None


class Visitor:
    """One session of a running app.

    Attributes:
        session: The session's id.
        received: Bytes that the server has sent, those of images and scripts included.

    Args:
        url: Address of the app.
        patience: Seconds within which a page must be finished.
    """

    def __init__(self, url: str, patience: float = 120.0) -> None:
        parts = urlsplit(url)
        self._patience = patience
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(
                f"ws://{parts.netloc}/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
                origin=Origin(url),
                max_size=None,
                compression=None,
                open_timeout=patience,
                ping_timeout=patience,  # a busy machine answers late
            )
        )
        self._messages = MessageMemory()
        self._files = FileMemory(parts.netloc)
        self._open.callback(self._files.close)
        self._oldest, self._fragments = 0, list[str]()
        self.session = ""
        self.received = 0
        self._page = ""

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave, as a closed tab does."""
        self._open.close()

    def open(self, page: str) -> list[ForwardMsg]:
        """Open a page, by its address without the slash; return what the server sent.

        Raises:
            PageError: The page showed an error, or was not finished in time.
        """
        self._page = page
        message = BackMsg()
        message.rerun_script.page_name = page
        return self._ask(message)

    def click(self, control: Control) -> list[ForwardMsg]:
        """Use a control of the page that is open; return what the server sent.

        Raises:
            PageError: As of :meth:`open`.
        """
        message = BackMsg()
        message.rerun_script.page_script_hash = control.page
        message.rerun_script.fragment_id = control.fragment
        message.rerun_script.widget_states.widgets.append(control.state)
        return self._ask(message)

    def _ask(self, message: BackMsg) -> list[ForwardMsg]:
        message.rerun_script.context_info.timezone = "UTC"
        message.rerun_script.cached_message_hashes.extend(self._messages.hashes)
        self._socket.send(message.SerializeToString())
        return self._until_finished(self._page or "overview")

    def look(self, messages: Sequence[ForwardMsg]) -> None:
        """Fetch the images and scripts that messages name, as far as a browser would not have them.

        Raises:
            OSError: One of them is not to be had.
        """
        self.received += self._files.fetch(messages)

    def _until_finished(self, page: str) -> list[ForwardMsg]:
        received = []
        end = time.monotonic() + self._patience
        while True:
            try:
                data = self._socket.recv(timeout=max(0.0, end - time.monotonic()))
            except TimeoutError:
                raise PageError(f"{page} was not finished in {self._patience:.0f} s.") from None
            self.received += len(data)
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            message = self._messages.whole(message)
            received.append(message)
            if message.HasField("new_session"):
                begun = message.new_session
                self.session = begun.initialize.session_id
                self._oldest = begun.config.max_cached_message_age
                self._fragments = list(message.metadata.run.fragment_ids)
            if problem := _problem(message):
                raise PageError(f"{page}: {problem}")
            finished = message.WhichOneof("type") == "script_finished"
            if finished and message.script_finished in _FINISHED:
                self._messages.run_ended(self._oldest, self._fragments)
                return received


def _problem(message: ForwardMsg) -> str:
    """Return what a message tells of an error; "" if nothing."""
    if message.WhichOneof("type") == "page_not_found":
        return "there is no such page"
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "exception":
        return f"{element.exception.type}: {element.exception.message}"
    if kind == "alert" and element.alert.format == element.alert.ERROR:
        return element.alert.body
    return ""


def class_of(url: str, count: int, act: Callable[[Visitor, int], None]) -> None:
    """Let several visitors act at the same time; they leave together, when all are done.

    Args:
        url: Address of the app.
        count: How many.
        act: What each does, given itself and its number.

    Raises:
        PageError: A visitor met an error.
    """
    visitors: list[Visitor] = []
    try:
        for _ in range(count):
            visitors.append(Visitor(url))
        with ThreadPoolExecutor(count) as pool:
            for done in [pool.submit(act, visitor, i) for i, visitor in enumerate(visitors)]:
                done.result()
    finally:
        for visitor in visitors:
            visitor.close()


def walk(visitor: Visitor, number: int, pages: Sequence[str] = PAGES) -> None:
    """Open all pages, each visitor beginning with another."""
    start = number % len(pages)
    for page in (*pages[start:], *pages[:start]):
        visitor.open(page)
