"""Where browsers fetch the images of :mod:`pages.images.shared_images`, and keep them for good."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.common import site
from pages.images import shared_images

_FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable"}  # a year


def mounted() -> list[Route]:
    """Return the routes that make the images part of a server."""
    return [Route(f"{site.base()}/{shared_images.PLACE}/{{name}}", send)]


async def send(request: Request) -> Response:
    """Send an image; one that is not there may come later, with its page."""
    name = request.path_params["name"]
    found = shared_images.find(name)
    if found is None:
        return Response(status_code=404, headers={"cache-control": "no-store"})
    kind = name.rpartition(".")[2]
    return Response(found, media_type=f"image/{kind}", headers=_FOR_GOOD)
