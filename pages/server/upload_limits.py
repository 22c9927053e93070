"""Limits that keep one visitor from taking the memory of all.

Streamlit keeps every upload in memory until its session ends, as many as come. Here a request that
is too large is refused before its body is read, and so is an upload that would fill its session's
share or the server's; what is on its way counts as if it were there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, runtime

MB = 2**20
SESSION = 60 * MB  # uploads of one session
TOTAL = 240 * MB  # uploads of all
_ENVELOPE = 64 * 1024  # what a form adds to its file
_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")


class UploadLimits:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving: Counter[str] = Counter()  # bytes by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refuse = partial(_refuse, send, "/api/" in scope["path"])
        size = _size(headers)
        if b"transfer-encoding" in headers or size is None:
            await refuse(411, "Say how long the request is: it has no Content-Length.")
            return
        if size > largest():
            megabytes = config.get_option("server.maxUploadSize")
            await refuse(413, f"This is too large: a file may have {megabytes} MB.")
            return
        upload = _UPLOAD.search(scope["path"]) if scope["method"] == "PUT" else None
        if upload is None:
            await self._app(scope, receive, send)
            return
        session = upload[1]
        if refusal := self._refusal(session, size):
            await _drain(receive)  # a browser reads no answer before it has sent all
            await refuse(*refusal)
            return
        self._arriving[session] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._arriving[session] -= size
            self._arriving += Counter()  # drops what is at zero

    def _refusal(self, session: str, size: int) -> tuple[int, str] | None:
        """Return status and sentence, if a session may not upload that many bytes more."""
        if not (runtime.exists() and runtime.get_instance().is_active_session(session)):
            return 410, "The page has lost its connection to the server: reload it."
        held = stored()
        if held[session] + self._arriving[session] + size > SESSION:
            return 413, (
                f"You have uploaded {SESSION // MB} MB, and more does not fit: remove files, or "
                "reload the page."
            )
        if held.total() + self._arriving.total() + size > TOTAL:
            return 503, "The server holds as many uploads as it can: try again in some minutes."
        return None


def largest() -> int:
    """Return how many bytes the body of a request may have."""
    return int(config.get_option("server.maxUploadSize")) * MB + _ENVELOPE


def stored() -> Counter[str]:
    """Return the bytes of the uploads that the server holds, by session."""
    files = runtime.get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return Counter(
        {
            session: sum(len(file.data) for file in list(of.values()))
            for session, of in [*files.items()]
        }
    )


def _size(headers: Mapping[bytes, bytes]) -> int | None:
    """Return the length of a request's body in bytes; None if its header makes no sense."""
    value = headers.get(b"content-length", b"0")
    return int(value) if value.isdigit() else None


async def _drain(receive: Receive) -> None:
    """Read a body that is within the limit, and keep nothing of it."""
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)


async def _refuse(send: Send, as_json: bool, status: int, sentence: str) -> None:
    """Answer with a sentence; a program gets it as all other errors of the API."""
    body = (json.dumps({"error": sentence}) if as_json else sentence).encode()
    kind = b"application/json" if as_json else b"text/plain; charset=utf-8"
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
