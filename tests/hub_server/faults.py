"""Faults that the loopback Hub shows on demand, by name.

A fault applies to the requests whose path matches its pattern, for the next ``times`` of them or
for all. Those about status codes answer instead of the server; those about the body change what
the server sends.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

# status, X-Error-Code, X-Error-Message
_STATUS: dict[str, tuple[int, str | None, str]] = {
    "401": (401, None, "Invalid credentials in Authorization header"),
    "403-gated": (403, "GatedRepo", "Access to this model is restricted"),
    "404-repo": (404, "RepoNotFound", "Repository not found"),
    "404-revision": (404, "RevisionNotFound", "Invalid rev id"),
    "404-file": (404, "EntryNotFound", "Entry not found"),
    "412": (412, None, "A commit has happened since. Please refresh and try again."),
    "500": (500, None, "Internal Server Error"),
    "503": (503, None, "Service Unavailable"),
}

KINDS: dict[str, str] = {
    "401": "the token is refused",
    "403-gated": "the repo is gated and this account has no access",
    "404-repo": "there is no such repo (or it is private)",
    "404-revision": "the repo has no such revision",
    "404-file": "the revision has no such file",
    "412": "somebody committed in between",
    "500": "the server fails",
    "503": "the server is overloaded",
    "slow": "the body arrives in small pieces, each after a pause",
    "hang": "the server accepts the connection and never answers",
    "stall": "the body stops half way and the connection stays open",
    "truncate": "the connection breaks half way through the body",
    "corrupt": "one byte of the body is wrong, the size is right",
    "wrong-file": "another file of another size, with headers that fit it",
    "redirect": "small files too are redirected to another host",
    "no-hub": "something else answers, such as a network that wants a login",
    "offers-xet": "large files are said to lie in Xet's storage, too",
}

_BODY = ("slow", "stall", "truncate", "corrupt")


@dataclass
class Fault:
    """One fault that is switched on.

    Args:
        kind: a key of ``KINDS``.
        path: regular expression that is searched in the request's path. The default hits file
            downloads, from the Hub and from its CDN.
        times: how many requests it hits before it is gone; ``None`` for all.
        seconds: the pause of ``slow``.
    """

    kind: str
    path: str = r"/resolve/|^/cdn/"
    times: int | None = None
    seconds: float = 0.05

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown fault {self.kind!r}; there are {', '.join(KINDS)}")


class Faults:
    """The faults that are switched on, and the middleware that shows them."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._release: asyncio.Event | None = None

    def add(self, kind: str, **options: Any) -> Fault:
        """Switch a fault on; the options are those of `Fault`."""
        fault = Fault(kind, **options)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Back to a healthy server. Requests that hang go on hanging until the server stops."""
        self.active.clear()

    def release(self) -> None:
        """Let go of the requests that hang, so that the server can stop."""
        if self._release is not None:
            self._release.set()

    async def hang(self) -> None:
        """Wait until the server stops."""
        if self._release is None:
            self._release = asyncio.Event()
        await self._release.wait()

    def takes(self, request: Request, kind: str) -> bool:
        """Whether this request is to show a fault that the routes themselves play."""
        return self.take(request.url.path, request.method, (kind,)) is not None

    def take(self, path: str, method: str, kinds: tuple[str, ...]) -> Fault | None:
        """The first active fault of these kinds for this request; counts it down."""
        for fault in self.active:
            if fault.kind not in kinds or not re.search(fault.path, path):
                continue
            if fault.kind in _BODY and method != "GET":
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.active.remove(fault)
            return fault
        return None


class FaultMiddleware:
    """Pure ASGI, because a broken body can't be expressed as a Starlette response."""

    def __init__(self, app: Any, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        fault = self.faults.take(path, method, (*_STATUS, "hang"))
        if fault is None:
            fault = self.faults.take(path, method, _BODY)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind == "hang":
            await self.faults.hang()
        elif fault.kind in _STATUS:
            await _send_status(send, *_STATUS[fault.kind])
        else:
            await self._with_body(fault, scope, receive, send)

    async def _with_body(self, fault: Fault, scope: Any, receive: Any, send: Send) -> None:
        """Let the app answer into memory, then send its answer with the fault."""
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body += message.get("body", b"")

        await self.app(scope, receive, collect)
        if start["status"] not in (200, 206):  # a redirect has no body to break: do it next time
            if fault.times is not None:
                self._again(fault)
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        headers = {bytes(key): bytes(value) for key, value in start["headers"]}
        offset = int((re.search(rb"(\d+)-", headers.get(b"content-range", b"")) or [0, 0])[1])
        await _SEND[fault.kind](self.faults, fault, send, start, body, offset)

    def _again(self, fault: Fault) -> None:
        assert fault.times is not None
        fault.times += 1
        if fault not in self.faults.active:
            self.faults.active.append(fault)


async def _send_status(send: Send, status: int, code: str | None, message: str) -> None:
    headers = [(b"x-error-message", message.encode()), (b"content-length", b"0")]
    if code:
        headers.append((b"x-error-code", code.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _slow(
    faults: Faults, fault: Fault, send: Send, start: Message, body: bytes, offset: int
) -> None:
    await send(start)
    step = max(len(body) // 10, 1)
    for position in range(0, len(body), step):
        await asyncio.sleep(fault.seconds)
        piece = body[position : position + step]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _stall(
    faults: Faults, fault: Fault, send: Send, start: Message, body: bytes, offset: int
) -> None:
    await send(start)
    half = body[: len(body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    await faults.hang()


async def _truncate(
    faults: Faults, fault: Fault, send: Send, start: Message, body: bytes, offset: int
) -> None:
    """Never past the middle of the whole file, so that resuming doesn't get round it."""
    await send(start)
    part = body[: max((offset + len(body)) // 2 - offset, 0)]
    await send({"type": "http.response.body", "body": part, "more_body": True})
    raise ConnectionAbortedError("fault: truncate")


async def _corrupt(
    faults: Faults, fault: Fault, send: Send, start: Message, body: bytes, offset: int
) -> None:
    await send(start)
    middle = len(body) // 2
    await send(
        {
            "type": "http.response.body",
            "body": body[:middle] + bytes([body[middle] ^ 0x10]) + body[middle + 1 :],
        }
    )


_SEND = {
    "slow": _slow,
    "stall": _stall,
    "truncate": _truncate,
    "corrupt": _corrupt,
}
