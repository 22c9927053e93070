"""The answer to a stroke, asked for by the drawing pad itself.

A run of the page brings the answer too, with everything below it; but before the browser has drawn
what a run sends, it has laid out the page three times, which takes longer than all else together.
"""

from __future__ import annotations

import asyncio
import io

from PIL import Image
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import zoo
from pages.common import loaded_models

PATH = "live/digit"  # below the app's own path; the pad asks there
LARGEST = 150_000  # bytes; a drawing has 1,000 to 4,000
PIXELS = 1_000_000  # of an image; a drawing has 140 × 140
AT_ONCE = 4  # answers; each takes some milliseconds


def route(base: str) -> Route:
    """Return the route.

    Args:
        base: The path below which the app lies, "" or "/path".
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def answer(request: Request) -> Response:
        """Answer a drawing; whatever is none gets a status and no words: nobody reads them."""
        if int(request.headers.get("content-length", "0")) > LARGEST:
            return Response(status_code=413)
        try:
            encoded = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)
        if not 0 < _pixels(encoded) <= PIXELS:
            return Response(status_code=400)
        async with places:
            try:
                return JSONResponse(await asyncio.to_thread(_answer, encoded))
            except zoo.ZooError:  # the network cannot be loaded; the page says why
                return Response(status_code=503)

    return Route(f"{base}/{PATH}", answer, methods=["POST"])


def _answer(encoded: bytes) -> dict[str, object]:
    from pages.sections import digit_answer  # late: the server's start waits for this module

    model = loaded_models.shared("mnist")
    assert isinstance(model, zoo.Classifier)
    return digit_answer.to_file(model, encoded).said


def _pixels(encoded: bytes) -> int:
    """Return how many pixels a PNG's header promises, 0 if it is none."""
    try:
        with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
            return image.width * image.height
    except Exception:  # whatever its reader raises
        return 0
