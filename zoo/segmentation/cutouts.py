"""Cut an object out of its photo: transparent background, another colour, another image."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from zoo.errors import ImageError
from zoo.preprocessing.images import ImageSource, open_image

# The edge of a cut-out is not cut with scissors: opacity rises over this span of probability
# around the threshold, which is a pixel or two where the network is sure of the edge.
SOFTNESS = 0.4
STRIP = 2**21  # pixels that are worked on at once
_HALF = 128  # opacity at the threshold
_SIDE = 1024  # pixels: of a larger image, blocks of pixels are looked at for what hangs together


def opacity(
    probabilities: NDArray[np.float32], threshold: float, softness: float = SOFTNESS
) -> NDArray[np.uint8]:
    """Return how opaque each pixel of the cut-out is: half at the threshold, soft around it.

    A soft pixel is the edge of something. One that is connected with nothing above the threshold
    is transparent: else a wall that the network took for a car at 40 % would float beside the car,
    as a ghost of itself.

    Args:
        probabilities: float (H, W) in [0, 1].
        threshold: The probability from which a pixel belongs to the object, in (0, 1].
        softness: Span of probability over which the opacity rises, in [0, 1]; 0 cuts sharply. It
            never reaches beyond probabilities of 0 and 1: a sure pixel is opaque or transparent.

    Returns:
        uint8 (H, W), 0 to 255.
    """
    span = min(softness, 2 * threshold, 2 * (1 - threshold))
    if span < 1e-3:
        return (probabilities >= threshold).astype(np.uint8) * np.uint8(255)
    height, width = map(int, np.shape(probabilities))
    alpha = np.empty((height, width), np.uint8)
    for rows in _strips(height, width):
        rising = (probabilities[rows] - np.float32(threshold)) / np.float32(span) + np.float32(0.5)
        alpha[rows] = np.clip(rising, 0, 1) * 255 + 0.5
    _clear_ghosts(alpha)
    return alpha


def _clear_ghosts(alpha: NDArray[np.uint8]) -> None:
    """Make transparent, in place, what is connected with no pixel that is half opaque or more."""
    from scipy.ndimage import label

    height, width = alpha.shape
    side = -(-max(height, width) // _SIDE)
    rows, columns = np.arange(0, height, side), np.arange(0, width, side)
    blocks = np.maximum.reduceat(np.maximum.reduceat(alpha, rows, axis=0), columns, axis=1)
    labels, count = label(blocks > 0, structure=np.ones((3, 3)))
    held = np.zeros(count + 1, np.bool_)
    held[labels[blocks >= _HALF]] = True
    held[0] = True  # there is nothing to clear
    for row, ghosts in zip(rows, ~held[labels], strict=True):
        if ghosts.any():
            alpha[row : row + side, ghosts.repeat(side)[:width]] = 0


def bounds(alpha: NDArray[np.uint8], margin: float = 0.02) -> tuple[int, int, int, int]:
    """Return the rectangle around the object, for a cut-out that is trimmed to it.

    Args:
        alpha: uint8 (H, W), from :func:`opacity`.
        margin: Room on each side, as a share of the object's longer side.

    Returns:
        (left, top, right, bottom) in pixels, inside the image; the whole image if nothing of the
        object is there.

    Example:
        >>> alpha = np.zeros((100, 200), np.uint8)
        >>> alpha[40:60, 100:150] = 255
        >>> bounds(alpha)
        (99, 39, 151, 61)
    """
    height, width = alpha.shape
    box = Image.fromarray(alpha).getbbox()
    if box is None:
        return 0, 0, width, height
    left, top, right, bottom = box
    room = round(margin * max(right - left, bottom - top))
    return (
        max(0, left - room),
        max(0, top - room),
        min(width, right + room),
        min(height, bottom + room),
    )


def cut_out(photo: Image.Image, alpha: NDArray[np.uint8]) -> Image.Image:
    """Return the photo with everything but the object transparent.

    Pixels of the edge are a mixture of the object's colour and the old background's, which would
    shine as a fringe on a new background. They get the colour of the object beside them.

    Args:
        photo: RGB, of size (W, H).
        alpha: uint8 (H, W), from :func:`opacity`.

    Returns:
        RGBA, of the photo's size. Where nothing of the object is left, it is transparent black.

    Raises:
        ImageError: The sizes differ.
    """
    if alpha.shape != photo.size[::-1]:
        height, width = alpha.shape
        raise ImageError(
            f"The mask has {width} × {height} pixels and the photo {photo.width} × {photo.height}: "
            "give those of one image."
        )
    if (box := Image.fromarray(alpha).getbbox()) is None:
        return Image.new("RGBA", photo.size)
    left, top, right, bottom = box
    radius = max(2, round(max(right - left, bottom - top) / 256))  # some pixels of the network's
    result = Image.new("RGBA", photo.size)
    for rows in _strips(bottom - top, right - left):
        start, end = max(top + rows.start - radius, top), min(top + rows.stop + radius, bottom)
        inside = alpha[start:end, left:right]
        pixels = _without_fringe(photo.crop((left, start, right, end)), inside, radius)
        # Transparent pixels keep nothing of the old background, and pack well.
        pixels[inside == 0] = 0
        kept = slice(top + rows.start - start, top + rows.stop - start)
        cut = Image.fromarray(np.dstack([pixels[kept], inside[kept]]))
        result.paste(cut, (left, top + rows.start))
    return result


def _strips(height: int, width: int) -> Iterator[slice]:
    """Yield the rows of an image some at a time: a photo takes a dozen times its size else."""
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _without_fringe(photo: Image.Image, alpha: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Give half-transparent pixels the mean colour of the opaque ones around them.

    The mean is a blur of the opaque pixels, divided by a blur of where they are.
    """
    pixels = np.array(photo)
    solid = alpha == 255
    edge = (alpha > 0) & ~solid
    if not edge.any() or not solid.any():
        return pixels
    blur = ImageFilter.BoxBlur(radius)
    weight = np.asarray(Image.fromarray(solid.astype(np.uint8) * 255).filter(blur))
    opaque = Image.fromarray(pixels * solid[..., None]).filter(blur)
    near = edge & (weight >= 16)  # with fewer opaque pixels around, eight bits are too coarse
    mean = np.asarray(opaque)[near].astype(np.float32) * 255 / weight[near][:, None]
    pixels[near] = np.clip(mean + 0.5, 0, 255).astype(np.uint8)
    return pixels


def on_colour(cut: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Return the object on a plain background.

    Args:
        cut: RGBA, from :func:`cut_out`.
        colour: Red, green and blue, 0 to 255.

    Returns:
        RGB, of the same size.
    """
    return _onto(Image.new("RGB", cut.size, colour), cut)


def on_image(cut: Image.Image, background: ImageSource) -> Image.Image:
    """Return the object in front of another image, which is cropped and scaled to fit.

    Args:
        cut: RGBA, from :func:`cut_out`.
        background: A path, bytes, a ``PIL.Image`` or a uint8 array; see
            :mod:`zoo.preprocessing.images`.

    Returns:
        RGB, of the cut-out's size.

    Raises:
        ImageError: The background is no image that can be read.
    """
    fitted = ImageOps.fit(
        open_image(background, share=True), cut.size, method=Image.Resampling.LANCZOS
    )
    # `fit` returns the image itself, which may be somebody's, only if it has that size.
    return _onto(fitted.copy() if fitted is background else fitted, cut)


def _onto(background: Image.Image, cut: Image.Image) -> Image.Image:
    background.paste(cut, mask=cut.getchannel("A"))
    return background


def png(image: Image.Image) -> bytes:
    """Encode an image as PNG.

    Args:
        image: RGB or RGBA.
    """
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)  # a third less time than 6, for 3 % more
    return buffer.getvalue()
