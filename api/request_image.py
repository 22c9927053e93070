"""The image in a request: its whole body, or a file in a form."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from api.refusals import Refusal

PATIENCE = 30.0  # seconds for a body to arrive; it holds a place in the line meanwhile
_EMPTY = (
    "There is no image in the request: send the file as the body, or as a file in a form "
    "(multipart/form-data)."
)
_NO_FORM = "The form cannot be read: send it as multipart/form-data, or the file as the body."


async def read(request: Request) -> bytes:
    """Return the image's file.

    Whatever is no form is taken for the file itself: curl's ``--data-binary`` calls it a form's
    fields if nobody tells it otherwise, and what it is its first bytes say.

    Raises:
        Refusal: There is none, or it does not arrive.
    """
    kind = request.headers.get("content-type", "")
    try:
        async with asyncio.timeout(PATIENCE):
            form = kind.lower().startswith("multipart/form-data")
            found = await (_from_form(request) if form else request.body())
    except TimeoutError:
        raise Refusal(408, f"The image did not arrive within {PATIENCE:.0f} seconds.") from None
    except ClientDisconnect:
        raise Refusal(400, "The connection broke before the image was there.") from None
    if not found:
        raise Refusal(400, _EMPTY)
    return found


async def _from_form(request: Request) -> bytes:
    """Return the only file of a form, whatever its field is called; b"" if there is none."""
    try:
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if not isinstance(value, str)]
            if len(files) > 1:
                raise Refusal(400, f"There are {len(files)} files in the form: send one image.")
            return await files[0].read() if files else b""
    except HTTPException:  # what Starlette makes of a MultiPartException
        raise Refusal(400, _NO_FORM) from None


async def drop(request: Request) -> None:
    """Let a body arrive and keep nothing of it; before that a browser reads no answer."""
    with suppress(ClientDisconnect, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            async for _ in request.stream():
                pass


def pixels(encoded: bytes) -> int:
    """Return how many pixels an image's header promises, 0 if it cannot be read."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return image.width * image.height
    except Exception:  # whatever its readers raise: zoo will say in a sentence what is wrong
        return 0
