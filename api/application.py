"""The routes: read the request, ask :mod:`zoo`, send its answer."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

import zoo
from api import openapi, reference_page, request_image
from api.origins import Origins
from api.refusals import HANDLERS, Refusal
from api.waiting_line import WaitingLine
from zoo.samples import first_sample

AnyModel: TypeAlias = "zoo.Classifier | zoo.Segmenter"


class Api:
    """The API as an ASGI application.

    Args:
        load: Returns a model by its name, the same one each time; raises :class:`zoo.ZooError`.
        line: What bounds the requests.
    """

    def __init__(self, load: Callable[[str], AnyModel], line: WaitingLine | None = None) -> None:
        self._load = load
        self._line = line
        self._app: Starlette | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._app is None:  # app.py makes an Api at each run of a page, and the server one
            self._line = self._line or WaitingLine()
            self._app = self._application()
        await self._app(scope, receive, send)

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", to_docs),
                Route("/docs", docs),
                Route("/openapi.json", description),
                Route("/models", models),
                Route("/example/{model}", example),
                Route("/predict/{model}", self.predict, methods=["POST"]),
            ],
            middleware=[Middleware(Origins)],
            exception_handlers=HANDLERS,
        )

    async def predict(self, request: Request) -> Response:
        """Answer what the request's image shows."""
        assert self._line is not None
        name = request.path_params["model"]
        try:
            output = wanted_output(zoo.info(name), request)
            place = self._line.take_place(int(request.headers.get("content-length", "0")))
        except (Refusal, zoo.ZooError):
            await request_image.drop(request)
            raise
        with place:
            encoded = await request_image.read(request)
            work = partial(_answer, self._load, name, encoded, output)
            return await self._line.answer(work, request_image.pixels(encoded))


def mounted(load: Callable[[str], AnyModel], prefix: str) -> list[Route | Mount]:
    """Return the routes that make an :class:`Api` part of a server.

    Args:
        load: As for :class:`Api`.
        prefix: Where it shall lie, such as ``"/api"``.
    """
    return [Route(prefix, to_docs), Mount(prefix, app=Api(load))]


def outputs(info: zoo.ModelInfo) -> tuple[str, ...]:
    """Return what a model can answer with."""
    return openapi.OUTPUTS if info.task == "segmentation" else openapi.OUTPUTS[:1]


def wanted_output(info: zoo.ModelInfo, request: Request) -> str:
    """Return what the request wants to be answered with.

    Raises:
        Refusal: The model has no such answer.
    """
    wanted = request.query_params.get("output", openapi.OUTPUTS[0])
    if wanted not in outputs(info):
        can = " or ".join(f"output={one}" for one in outputs(info))
        raise Refusal(400, f"{info.name} cannot answer with output={wanted}: ask for {can}.")
    return wanted


def _answer(load: Callable[[str], AnyModel], name: str, encoded: bytes, output: str) -> Response:
    """Ask the model, and make of its answer what is sent. Takes a core."""
    model = load(name)
    found = model.predict(encoded)
    if isinstance(found, zoo.Classification) or output == "json":
        return _json(found.to_dict())
    from zoo.segmentation import cutouts, masks

    if output == "mask":
        return Response(masks.png(found.mask), media_type="image/png")
    alpha = cutouts.opacity(found.probabilities, found.threshold)
    del found
    cut = cutouts.cut_out(zoo.open_image(encoded, share=True), alpha)
    return Response(cutouts.png(cut), media_type="image/png")


async def models(request: Request) -> Response:
    """List the models."""
    found = [zoo.info(name) for name in zoo.list_models()]
    listed = [info.to_dict() | {"outputs": list(outputs(info))} for info in found]
    return _json({"models": listed})


async def example(request: Request) -> Response:
    """Send an image to try a model with."""
    info = zoo.info(request.path_params["model"])
    if not info.samples:
        raise Refusal(404, f"There is no image to try {info.name} with: send one of yours.")
    sample = first_sample(info.samples)
    kind, _ = mimetypes.guess_type(sample.path.name)
    credit = sample.credit.encode("ascii", "replace").decode()
    return Response(sample.read(), media_type=kind, headers={"x-credit": credit})


async def description(request: Request) -> Response:
    """Send the OpenAPI document."""
    return _json(openapi.document(request.scope["root_path"]))


async def docs(request: Request) -> Response:
    """Send the page that shows the OpenAPI document and lets one try it."""
    return HTMLResponse(reference_page.html(openapi.document(request.scope["root_path"])))


async def to_docs(request: Request) -> Response:
    """Send whoever asks for the API itself to its page."""
    here = request.url.path.rstrip("/")
    return RedirectResponse(f"{here}/docs")


def _json(value: dict[str, Any]) -> Response:
    """Send JSON that a person can read in a terminal, too."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return Response(text, media_type=JSONResponse.media_type)
