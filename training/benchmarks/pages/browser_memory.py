"""What a browser keeps: Streamlit's messages, and images and scripts with an address."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_ADDRESS = re.compile(r'"((?:/[^"/]+)*/(?:shared|media)/[\w.]+)"')


@dataclass
class _Kept:
    """A message, the run that used it last, and the part of the page that it belongs to."""

    message: Any
    used: int
    fragment: str


class MessageMemory:
    """Messages that need not be sent again; the same rules as the ``ForwardMessageCache`` in
    Streamlit's frontend.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._runs = 0

    @property
    def hashes(self) -> list[str]:
        """What the server is told to be there."""
        return list(self._kept)

    def whole(self, message: Any) -> Any:
        """Keep a ``ForwardMsg`` that may come again; return it, or what it refers to.

        Raises:
            KeyError: It refers to one that is not there.
        """
        if message.WhichOneof("type") == "ref_hash":
            kept = self._kept[message.ref_hash]
            kept.used = self._runs
            found = type(message)()
            found.CopyFrom(kept.message)
            found.metadata.CopyFrom(message.metadata)
            return found
        if message.metadata.cacheable and message.hash:
            fresh = _Kept(message, self._runs, message.delta.fragment_id)
            self._kept.setdefault(message.hash, fresh).used = self._runs
        return message

    def run_ended(self, oldest: int, fragments: Sequence[str]) -> None:
        """Forget what was not used in the last runs.

        Args:
            oldest: Runs that a message may be unused.
            fragments: Parts of the page that ran; none: all of it.
        """
        self._runs += 1
        for name, kept in list(self._kept.items()):
            concerned = not fragments or kept.fragment in fragments
            if concerned and self._runs - kept.used > oldest:
                del self._kept[name]


class FileMemory:
    """Images and scripts that were fetched, each once, over one connection.

    Args:
        place: Host and port of the server.
    """

    def __init__(self, place: str) -> None:
        self._connection = http.client.HTTPConnection(place, timeout=60)
        self._known: set[str] = set()

    def fetch(self, messages: Sequence[Any]) -> int:
        """Fetch the files that messages name and that are not there; return their bytes.

        Raises:
            OSError: One of them is not to be had.
        """
        return sum(self._get(path) for path in addresses(messages) if path not in self._known)

    def _get(self, path: str) -> int:
        self._known.add(path)
        try:
            return self._ask(path)
        except http.client.HTTPException:  # the server has ended the connection meanwhile
            self._connection.close()
            return self._ask(path)

    def _ask(self, path: str) -> int:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise OSError(f"The file {path} was answered with {answer.status}.")
        return len(body)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def addresses(messages: Sequence[Any]) -> Iterator[str]:
    """Yield the paths of the files that messages name, in order, some maybe twice."""
    for message in messages:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "bidi_component":
            yield from _ADDRESS.findall(element.bidi_component.js_content)
            yield from _ADDRESS.findall(element.bidi_component.json)
        elif kind == "imgs":
            yield from (image.url for image in element.imgs.imgs if image.url.startswith("/"))
