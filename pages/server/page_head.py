"""A page's head: what a link to it shows, and the rules that hold from the first moment.

Streamlit sends the same empty page to every address, and makes the rest in the browser; who only
reads the page, as messengers and search engines do, gets nothing. Here its head gets title,
description and image from the list of pages; and the style sheet of :mod:`pages.common.style`,
which would come too late as a part of the page.
"""

from __future__ import annotations

import html
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.common import site, style

IMAGE = "app/static/preview.jpg"  # the overview, 1200 × 630
FONT = "app/static/fonts/Geist.woff2"  # asked for at once: text in another font has other lines
_HOST = re.compile(r"[\w.:\[\]-]+")


class PageHead:
    """ASGI middleware: fills the head of each page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on; to the answer for a page, add its head."""
        entry = _entry(scope)
        if entry is None:
            await self._app(scope, receive, send)
            return
        # Packed, it could not be read here. The page is small; its scripts stay packed.
        headers = [(n, v) for n, v in scope["headers"] if n.lower() != b"accept-encoding"]
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            filled = fill(body, entry, _root(scope)) if _is_page(start) else body
            sizes = {b"content-length": str(len(filled)).encode()} if filled != body else {}
            start["headers"] = [(n, sizes.get(n.lower(), v)) for n, v in start["headers"]]
            await send(start)
            await send({"type": "http.response.body", "body": filled})

        await self._app(dict(scope) | {"headers": headers}, receive, collect)


def fill(page: bytes, entry: site.Entry, root: str) -> bytes:
    """Put title, description, image, font and style sheet into a page's head.

    Args:
        page: Streamlit's HTML.
        entry: The page that the address names.
        root: The app's address, with a slash at its end.
    """
    title, said = html.escape(site.tab_title(entry)), html.escape(entry.summary or site.ABOUT)
    image = html.escape(f"{root}{IMAGE}")
    tags = (
        f"<title>{title}</title>"
        f'<meta name="description" content="{said}">'
        f'<meta property="og:title" content="{title}">'
        f'<meta property="og:description" content="{said}">'
        f'<meta property="og:image" content="{image}">'
        '<meta property="og:type" content="website">'
        '<meta name="twitter:card" content="summary_large_image">'
        f'<link rel="preload" href="{root}{FONT}" as="font" type="font/woff2" crossorigin>'
        f"<style>{style.rules()}</style>"
    )
    return re.sub(rb"<title>.*?</title>", lambda _: tags.encode(), page, count=1)


def _entry(scope: Scope) -> site.Entry | None:
    """Return the page that a request asks for, None if it asks for something else."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    name = scope["path"].rstrip("/").rpartition("/")[2]
    home = scope["path"].rstrip("/") == scope.get("root_path", "").rstrip("/")
    return site.ENTRIES[0] if home else site.by_name(name)


def _is_page(start: Message) -> bool:
    kinds = [value for name, value in start["headers"] if name.lower() == b"content-type"]
    return start["status"] == 200 and any(kind.startswith(b"text/html") for kind in kinds)


def _root(scope: Scope) -> str:
    """Return the app's address as the visitor wrote it; a proxy says whether by https."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    scheme = headers.get(b"x-forwarded-proto", scope.get("scheme", "http"))
    host = headers.get(b"host", "")
    if scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return "/"
    return f"{scheme}://{host}{site.base()}/"
