"""Which web pages may ask: this server's own, and those of the sites in ``API_ORIGINS``.

A browser tells with ``Origin`` which site a script belongs to; programs without a browser send none
and are let through. ``API_ORIGINS`` holds origins such as ``https://example.org``, separated by
spaces or commas, or ``*`` for any. It is read at each request.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.refusals import as_json

VARIABLE = "API_ORIGINS"
_AGE = "600"  # seconds for which a browser keeps what it was told
_FOREIGN = (
    "Pages of {origin} may not ask this server: whoever runs it lets them with the environment "
    f"variable {VARIABLE}."
)


class Origins:
    """ASGI middleware: refuses other sites' scripts, and tells browsers who is allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it here."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or _own(origin, headers):
            await self._app(scope, receive, send)
            return
        if not _named(origin):
            await as_json(403, _FOREIGN.format(origin=origin))(scope, receive, send)
            return
        allowed = {"access-control-allow-origin": origin, "vary": "Origin"}
        if scope["method"] == "OPTIONS":
            allowed |= {
                "access-control-allow-methods": "GET, POST",
                "access-control-allow-headers": "content-type",
                "access-control-max-age": _AGE,
            }
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return

        async def with_permission(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowed)
            await send(message)

        await self._app(scope, receive, with_permission)


def _own(origin: str, headers: Headers) -> bool:
    """Return whether a script comes from this server.

    A browser says so itself where it trusts the connection (https, localhost), which holds behind
    any proxy; else the names are compared.
    """
    if headers.get("sec-fetch-site") in ("same-origin", "none"):
        return True
    return urlsplit(origin).netloc in (headers.get("host"), headers.get("x-forwarded-host"))


def _named(origin: str) -> bool:
    """Return whether the environment names an origin."""
    named = os.environ.get(VARIABLE, "").replace(",", " ").split()
    return "*" in named or origin in (name.rstrip("/") for name in named)
