"""An image with transparent parts, shown as image editors show it: on a checkerboard."""

from __future__ import annotations

import numpy as np
from PIL import Image

_SIDE = 16  # pixels of a square
_LIGHT, _DARK = 240, 222


def draw(cut: Image.Image) -> Image.Image:
    """Lay an image onto a checkerboard.

    Args:
        cut: RGBA.

    Returns:
        RGB, of the same size.
    """
    rows, columns = np.ogrid[: cut.height, : cut.width]
    squares = (rows // _SIDE + columns // _SIDE) % 2
    board = Image.fromarray(np.where(squares, _DARK, _LIGHT).astype(np.uint8)).convert("RGB")
    board.paste(cut, mask=cut.getchannel("A"))
    return board
