"""The answer to a stroke or to a sample, asked for by the drawing pad or the samples themselves.

A run of the page brings the answer too, with everything below it; but before the browser has drawn
what a run sends, it has laid out the page three times, which takes longer than all else together.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from functools import partial

from PIL import Image
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import zoo
from pages.common import loaded_models, site
from zoo.samples import Sample, samples

PATH = "live/digit"  # below the app's own path; the pad asks there
LARGEST = 150_000  # bytes; a drawing has 1,000 to 4,000
PIXELS = 1_000_000  # of an image; a drawing has 140 × 140
SAMPLE_PATH = "live/sample"  # followed by a collection and a sample's id
MODELS = {"digits": "mnist", "objects": "cifar10"}  # which answers to a collection's samples
AT_ONCE = 4  # answers; each takes some milliseconds


def sample_address(collection: str) -> str:
    """Return where the answers to a collection's samples are; a sample's id belongs behind it."""
    return f"{site.base()}/{SAMPLE_PATH}/{collection}/"


def routes(base: str) -> list[Route]:
    """Return the routes.

    Args:
        base: The path below which the app lies, "" or "/path".
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def said(work: Callable[[], dict[str, object]]) -> Response:
        async with places:
            try:
                return JSONResponse(await asyncio.to_thread(work))
            except zoo.ZooError:  # the network cannot be loaded; the page says why
                return Response(status_code=503)

    async def drawing(request: Request) -> Response:
        """Answer a drawing; whatever is none gets a status and no words: nobody reads them."""
        if int(request.headers.get("content-length", "0")) > LARGEST:
            return Response(status_code=413)
        try:
            encoded = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)
        if not 0 < _pixels(encoded) <= PIXELS:
            return Response(status_code=400)
        return await said(partial(_to_drawing, encoded))

    async def sample(request: Request) -> Response:
        """Answer a sample, and say where its image is."""
        collection, name = (request.path_params[part] for part in ("collection", "name"))
        known = samples(collection) if collection in MODELS else ()
        found = [one for one in known if one.id == name]
        if not found:
            return Response(status_code=404)
        return await said(partial(_to_sample, collection, found[0]))

    return [
        Route(f"{base}/{PATH}", drawing, methods=["POST"]),
        Route(f"{base}/{SAMPLE_PATH}/{{collection}}/{{name}}", sample),
    ]


def _to_drawing(encoded: bytes) -> dict[str, object]:
    from pages.sections import class_answers  # late: the server's start waits for this module

    return class_answers.to_file(_model("digits"), encoded).said


def _to_sample(collection: str, sample: Sample) -> dict[str, object]:
    from pages.images import shared_images
    from pages.sections import class_answers

    encoded, kind = sample.read(), "png" if sample.path.suffix == ".png" else "jpeg"
    square = None if collection == "digits" else class_answers.WHOLE
    answer = class_answers.to_file(_model(collection), encoded, square)
    picture = {
        "image": shared_images.address(encoded, kind),
        "description": sample.description,
    }
    return answer.said | {"picture": picture}


def _model(collection: str) -> zoo.Classifier:
    model = loaded_models.shared(MODELS[collection])
    assert isinstance(model, zoo.Classifier)
    return model


def _pixels(encoded: bytes) -> int:
    """Return how many pixels a PNG's header promises, 0 if it is none."""
    try:
        with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
            return image.width * image.height
    except Exception:  # whatever its reader raises
        return 0
