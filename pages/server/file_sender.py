"""Where browsers fetch the files of :mod:`pages.common.shared_files`, which they keep for good."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from pages.common import shared_files, site

KINDS = {"js": "text/javascript; charset=utf-8", "png": "image/png", "jpeg": "image/jpeg"}
_FOR_GOOD = "public, max-age=31536000, immutable"  # a year


class FileSender:
    """ASGI middleware: answers for the files, before Streamlit's own dozen of layers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._prefix = f"{site.base()}/{shared_files.PLACE}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file, or hand the request on; one that is not there may come with its page."""
        path = scope["path"] if scope["type"] == "http" else ""
        if not path.startswith(self._prefix) or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        name = path.removeprefix(self._prefix)
        found = shared_files.find(name)
        body, kind = found or b"", KINDS.get(name.rpartition(".")[2], "application/octet-stream")
        headers = [
            (b"content-length", str(len(body)).encode()),
            (b"content-type", kind.encode()),
            (b"cache-control", b"no-store" if found is None else _FOR_GOOD.encode()),
        ]
        status = 404 if found is None else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})
