"""The sheet of a layer's maps, asked for by the diagram itself; see :mod:`live_answer` for why.

What makes the sheets is imported when one is asked for: the server's start waits for this module.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.common import site

if TYPE_CHECKING:
    import numpy as np

    import zoo

PATH = "live/maps"
AT_ONCE = 4  # sheets; each takes some milliseconds


def address(model: zoo.Model, view: np.ndarray) -> str:
    """Return where the sheets of a model's run on an image are; ``&layer=NAME`` belongs behind it.

    Args:
        model: A loaded model.
        view: uint8 (H, W) or (H, W, 3), what it looks at.
    """
    from pages.sections.feature_maps import trace_cache

    return f"{site.base()}/{PATH}?run={trace_cache.name(model, view)}"


def route(base: str) -> Route:
    """Return the route.

    Args:
        base: The path below which the app lies, "" or "/path".
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def maps(request: Request) -> Response:
        """Answer with a sheet as JSON; what is not there gets a status and no words."""
        wanted = request.query_params
        own, sort = (wanted.get(name) == "1" for name in ("own", "sort"))
        async with places:
            drawn = await asyncio.to_thread(
                _drawn, wanted.get("run", ""), wanted.get("layer", ""), sort, own
            )
        return Response(status_code=404) if drawn is None else JSONResponse(drawn)

    return Route(f"{base}/{PATH}", maps)


def _drawn(name: str, layer: str, sort: bool, own: bool) -> dict[str, object] | None:
    from pages.sections.feature_maps import layer_sheet, trace_cache

    found = trace_cache.named(name)
    if found is None or layer not in found[1].calls:
        return None
    return layer_sheet.sheet(*found, layer, strongest_first=sort, own_scale=own).drawn
