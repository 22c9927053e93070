"""Why there is no answer: a status and one sentence, as ``{"error": "…"}``."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

import zoo

AGAIN = "5"  # seconds, for Retry-After
_MEMORY = "The server has too little memory for this at the moment: try again in a minute."
_UNKNOWN = "The server failed, and the reason is in its log."
# The first class that fits counts.
_STATUS: tuple[tuple[type[zoo.ZooError], int], ...] = (
    (zoo.UnknownModelError, 404),
    (zoo.ImageError, 422),
    (zoo.HubError, 503),  # the weights are not to be had, and the client cannot help it
    (zoo.IntegrityError, 503),
    (zoo.DeviceError, 503),
    (zoo.ZooError, 400),
)


class Refusal(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP's number.
        sentence: What is wrong, and what to do.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def as_json(status: int, sentence: str) -> JSONResponse:
    """Return the refusal as it is sent."""
    later = {"retry-after": AGAIN} if status == 503 else {}
    return JSONResponse({"error": sentence}, status, headers=later)


def refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer a :class:`Refusal`."""
    assert isinstance(error, Refusal)
    return as_json(error.status, error.sentence)


def in_the_zoo(_request: Request, error: Exception) -> JSONResponse:
    """Answer one of the library's errors, which are sentences already."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return as_json(status, " ".join(str(error).split()))


def by_http(_request: Request, error: Exception) -> JSONResponse:
    """Answer what the router refuses: an unknown address, another method."""
    assert isinstance(error, HTTPException)
    sentence = {
        404: "There is nothing here: /api/docs says what there is.",
        405: "This address takes another method: /api/docs says which.",
    }.get(error.status_code, f"{error.detail.rstrip('.')}.")
    response = as_json(error.status_code, sentence)
    response.headers.update(error.headers or {})
    return response


def unforeseen(_request: Request, error: Exception) -> JSONResponse:
    """Answer any other error; its traceback goes to the log, and none of it to the client."""
    # torch reports it as a RuntimeError.
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return as_json(503, _MEMORY)
    return as_json(500, _UNKNOWN)


HANDLERS: dict[Any, Any] = {
    Refusal: refused,
    zoo.ZooError: in_the_zoo,
    HTTPException: by_http,
    Exception: unforeseen,
}
