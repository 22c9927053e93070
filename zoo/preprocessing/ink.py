"""From a drawing or a photograph to a map of its ink, whatever the colours and the light.

The result is "how much unlike the paper is this pixel", so polarity, ink colour and paper colour
need no guessing. Two cases:

* **flat paper** (a drawing pad, a scan): the paper's colour is the median of the image's border;
  ink is the distance from it in RGB.
* **uneven paper** (a photograph with shadows): the paper's brightness changes from place to place.
  A grey closing (Serra 1982; Soille 2003, chapter 4) with a window wider than any stroke removes
  dark strokes and keeps the paper, hard shadow edges included; ink is the difference between
  image and paper. This is done on the logarithm of each channel, where light is an additive
  term, so that ink in the shadow counts as much as ink in the sun.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from zoo.errors import ImageError
from zoo.preprocessing.frames import without_edge_lines

WORK_SIDE = 320  # longest side that is worked on; a digit of a tenth of it is still 32 pixels
_FAINTEST = 24.0  # RGB distance (of 441) below which nothing counts as drawn
_FAINTEST_LOG = 0.20  # the same on uneven paper: ink at least 18 % darker than the paper
_LOG_OFFSET = 12.0  # grey levels added before the logarithm, so that noise in the dark stays small
_NOTHING = "Nothing is drawn yet: draw or upload one digit, large and clear."


def ink_map(image: Image.Image) -> np.ndarray:
    """Return how much ink each pixel holds.

    Args:
        image: An image in mode L, LA, RGB or RGBA of any size.

    Returns:
        float32 array (H, W) in [0, 1], 0 for paper and 1 for ink; the image's longer side is
        reduced to 320 pixels, and lines that its edges consist of are cut off.

    Raises:
        ImageError: Nothing stands out from the paper.
    """
    image = _reduce(_without_alpha(image))
    pixels = np.asarray(image, dtype=np.float32)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    pixels = without_edge_lines(pixels)
    paper = np.median(_border(pixels), axis=0)
    distance = np.sqrt(np.square(pixels - paper).sum(axis=2) * (3 / pixels.shape[2]))
    if float(distance.max()) < _FAINTEST:
        raise ImageError(_NOTHING)
    unevenness = float(np.quantile(_border(distance), 0.9))
    if unevenness < 0.1 * _Histogram(distance).strongest():
        return _scale(distance, _FAINTEST)
    return _scale(_uneven(pixels), _FAINTEST_LOG)


def _scale(strength: np.ndarray, faintest: float) -> np.ndarray:
    """Map paper to 0 and the typical ink to 1: the median above Otsu's threshold.

    Otsu's threshold falls into the noise of the paper when there is very little ink, and below
    ruled lines that are paler than the ink; hence the second threshold.
    """
    histogram = _Histogram(strength)
    threshold = max(histogram.otsu(), 0.4 * histogram.strongest())
    level = histogram.median_above(threshold)
    if level < faintest:
        raise ImageError(_NOTHING)
    return np.minimum(strength * np.float32(1 / level), 1)


class _Histogram:
    """Counts of non-negative values in 256 bins: ten times as fast as sorting them."""

    def __init__(self, values: np.ndarray) -> None:
        self.bin = max(float(values.max()), 1e-9) / 255.99
        codes = (values * np.float32(1 / self.bin)).astype(np.uint8)
        self.counts = np.bincount(codes.ravel(), minlength=256)

    def otsu(self) -> float:
        """Return the threshold that separates two classes best (Otsu 1979, eq. 18).

        It maximizes the between-class variance ω0·ω1·(μ0 − μ1)².
        """
        weight = np.cumsum(self.counts).astype(np.float64)
        total = np.cumsum(self.counts * np.arange(256.0))
        split = np.flatnonzero((weight[:-1] > 0) & (weight[:-1] < weight[-1]))
        if len(split) == 0:
            return 0.0
        low, below = weight[split], total[split]
        difference = total[-1] * low / weight[-1] - below
        between = difference**2 / (low * (weight[-1] - low))
        return float(split[np.argmax(between)] + 1) * self.bin

    def strongest(self) -> float:
        """Return the value that only a few pixels exceed: the darkest ink, not one bad pixel."""
        few = max(8, round(4e-4 * self.counts.sum()))
        above = np.cumsum(self.counts[::-1])
        return float(255 - np.searchsorted(above, few)) * self.bin

    def median_above(self, threshold: float) -> float:
        """Return the median of the values above a threshold."""
        first = min(int(threshold / self.bin), 255)
        above = np.cumsum(self.counts[first:])
        return (first + float(np.searchsorted(above, above[-1] / 2)) + 0.5) * self.bin


def _without_alpha(image: Image.Image) -> Image.Image:
    """Resolve transparency: ink on a transparent canvas, or an opaque cut-out with a digit."""
    if image.mode not in ("LA", "RGBA"):
        return image
    rgba = image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return rgba.convert("RGB")
    box = alpha.getbbox()
    if box is None:
        raise ImageError(_NOTHING)
    alpha = alpha.crop(box)
    values = np.asarray(rgba.crop(box))[::2, ::2]
    opaque = values[values[:, :, 3] > 127][:, :3]
    if len(opaque) == 0:
        return alpha
    area = values.shape[0] * values.shape[1]
    spread = np.ptp(np.quantile(opaque[:: 1 + len(opaque) // 5_000], (0.05, 0.95), axis=0), axis=0)
    if len(opaque) < 0.7 * area or spread.max() < 64:
        # Strokes: the alpha channel is the ink, whatever its colour.
        return ImageOps.expand(alpha, 10)
    paper = Image.new("RGBA", rgba.size, (*(int(v) for v in np.median(opaque, axis=0)), 255))
    return Image.alpha_composite(paper, rgba).convert("RGB")


def _reduce(image: Image.Image) -> Image.Image:
    """Reduce to the working size by averaging; a smaller image stays as it is."""
    longest = max(image.size)
    if longest <= WORK_SIDE:
        return image
    width, height = (max(1, round(side * WORK_SIDE / longest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)


def _border(values: np.ndarray) -> np.ndarray:
    """Return the outermost ring of pixels, (n,) or (n, channels)."""
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def _uneven(pixels: np.ndarray) -> np.ndarray:
    """Return the ink's strength on unevenly lit paper, in units of the natural logarithm."""
    side = min(pixels.shape[:2])
    window = max(3, round(0.3 * side)) | 1  # wider than any stroke, narrower than most shadows
    squares = np.zeros(pixels.shape[:2], dtype=np.float32)
    for channel in np.moveaxis(pixels, 2, 0):
        light = np.log(ndimage.gaussian_filter(channel, side / 280) + np.float32(_LOG_OFFSET))
        local = light - ndimage.uniform_filter(light, window)
        # The minority, which is the ink, is brighter than its paper. (A power of 3 takes as long as
        # all the rest of this loop.)
        if np.mean(local * np.square(local)) > 0:
            light = -light
        squares += np.square(ndimage.grey_closing(light, (window, window)) - light)
    return np.sqrt(squares / pixels.shape[2])
