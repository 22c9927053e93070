"""Does it matter where, how large, with which pen and on which paper a digit is written?

MNIST digits are drawn again as people draw and photograph them (other positions, sizes, pens,
colours, light), sent through :func:`zoo.preprocessing.mnist_format.prepare` and classified; the
accuracy on the same digits untouched stands beside. The preparation was tuned on the validation
split.

    python -m training.experiments.classification.digit_preparation --data-dir DIR
    --split test
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

import zoo
from training.data import mnist_digits
from training.engine.failures import run_command
from training.engine.options import positive
from training.experiments import command, shipped
from training.experiments.classification.skeleton import skeleton
from training.experiments.interval_text import percent
from zoo.errors import ImageError
from zoo.preprocessing.mnist_format import prepare

NAME = "digit_preparation"
QUESTION = "Do position, size, stroke width, ink colour or light change the answer to a digit?"
LIMITS = (
    "A thousand digits, drawn again by a program and not by people; at 99 % right one "
    "condition is known to about half a point."
)
CANVAS = 280  # side of the Digits page's pad
Array = np.ndarray
Color = tuple[int, int, int]
BLACK, WHITE, BLUE, YELLOW = (20, 20, 20), (255, 255, 255), (25, 50, 190), (250, 235, 140)
RED, GREEN = (215, 60, 60), (60, 136, 60)  # equally bright: both are gray 106 to PIL


def strokes(digit: Array, height: float, pen: float | None = None) -> Array:
    """Draw a digit again with sharp edges.

    Args:
        digit: uint8 (28, 28).
        height: height of MNIST's 20-pixel box in the new drawing, in pixels.
        pen: width of a round pen that follows the middle of the strokes, as a fraction of
            ``height``; None keeps the strokes as they are.

    Returns:
        float32 (side, side) in [0, 1], with a margin for thick pens.
    """
    digit = np.pad(digit, 6)
    fine = max(height, 100.0)  # drawn at high resolution, then reduced
    side = round(fine / 20 * digit.shape[0])
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))
    mask = large > 127
    if pen is None:
        drawn = ndimage.gaussian_filter(mask.astype(np.float32), 0.5)
    else:
        away = ndimage.distance_transform_edt(~skeleton(mask))
        drawn = np.clip(max(pen * fine / 2, 0.5) + 0.5 - away, 0, 1).astype(np.float32)
    if fine > height:
        small = max(8, round(height / 20 * digit.shape[0]))
        drawn = np.asarray(Image.fromarray(drawn).resize((small, small), Image.Resampling.BOX))
    return drawn


def on_page(drawn: Array, size: tuple[int, int], corner: tuple[float, float]) -> Array:
    """Lay a drawing onto an empty page (height, width); ``corner`` in [0, 1]² places its ink."""
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    ink = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ink = ink[: size[0] - 2, : size[1] - 2]
    page = np.zeros(size, np.float32)
    top = 1 + round(corner[0] * (size[0] - 2 - ink.shape[0]))
    left = 1 + round(corner[1] * (size[1] - 2 - ink.shape[1]))
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def paint(page: Array, ink: Color, paper: Color) -> Array:
    """Return float32 (H, W, 3): paper, with ink where the page has it."""
    amount = page[:, :, None]
    return amount * np.array(ink, np.float32) + (1 - amount) * np.array(paper, np.float32)


def photograph(
    image: Array, rng: np.random.Generator, light: Array | float, noise: float = 6.0
) -> bytes:
    """Return a JPEG of a page under a light, slightly out of focus, with sensor noise."""
    lit = image * (light if np.isscalar(light) else np.asarray(light)[:, :, None])
    lit = ndimage.gaussian_filter(lit, (0.8, 0.8, 0))
    lit = lit + rng.normal(0, noise, lit.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


def slope(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Light that falls from 1 to 0.35 across the page, in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[: size[0], : size[1]]
    ramp = np.cos(angle) * x / size[1] + np.sin(angle) * y / size[0]
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    return (1 - 0.65 * ramp).astype(np.float32)


def shadow(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """A hand's shadow: a straight, rather sharp edge through the middle third, 0.5 behind it."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[: size[0], : size[1]]
    side = np.cos(angle) * (x - size[1] * rng.uniform(0.35, 0.65))
    side = side + np.sin(angle) * (y - size[0] * rng.uniform(0.35, 0.65))
    return (0.75 + 0.25 * np.tanh(side / 4)).astype(np.float32)


def ruled(image: Array, rng: np.random.Generator, gap: int, tilt: float, color: Color) -> Array:
    """Draw a school book's lines under the ink (where that is darker, it stays)."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    lines = np.abs((y + tilt * x + rng.uniform(0, gap)) % gap - gap / 2) < 1.0
    page = np.where(lines[:, :, None], np.array(color, np.float32), np.float32(255))
    return np.minimum(image, page)


def specks(page: Array, rng: np.random.Generator, count: int = 60) -> Array:
    """Scatter dots of up to 3 × 3 pixels."""
    page = page.copy()
    for y, x in rng.integers(0, np.array(page.shape) - 3, (count, 2)):
        side = rng.integers(1, 4)
        page[y : y + side, x : x + side] = 1
    return page


def canvas(page: Array, ink: Color) -> Image.Image:
    """Return a browser's canvas: transparent, with coloured ink."""
    rgba = np.zeros((*page.shape, 4), np.uint8)
    rgba[page > 0, :3] = ink
    rgba[:, :, 3] = np.round(page * 255)
    return Image.fromarray(rgba)


def plain(
    height: float = 150,
    pen: float | None = None,
    ink: Color = BLACK,
    paper: Color = WHITE,
    corner: tuple[float, float] | None = (0.5, 0.5),
    side: int = CANVAS,
) -> Callable[[Array, np.random.Generator], Any]:
    """Make a condition: a drawing on a square page of one colour; no corner means anywhere."""

    def render(digit: Array, rng: np.random.Generator) -> Array:
        place = corner if corner is not None else tuple(rng.random(2))
        page = on_page(strokes(digit, height, pen), (side, side), place)
        return paint(page, ink, paper).astype(np.uint8)

    return render


def photo(
    light: Callable[..., Array] | float,
    ink: Color = BLACK,
    paper: Color = (235, 230, 220),
    noise: float = 6.0,
    size: tuple[int, int] = (480, 640),
    lines: Color | None = None,
) -> Callable[[Array, np.random.Generator], Any]:
    """Make a condition: a photograph of a sheet, the digit anywhere, of any size and pen."""

    def render(digit: Array, rng: np.random.Generator) -> bytes:
        drawn = strokes(digit, rng.uniform(140, 300), rng.uniform(0.04, 0.18))
        page = on_page(drawn, size, (rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9)))
        image = paint(page, ink, paper)
        if lines:
            gap, tilt = int(rng.integers(28, 60)), rng.uniform(-0.03, 0.03)
            image = ruled(image, rng, gap, tilt, lines)
        level = light(size, rng) if callable(light) else light
        return photograph(image, rng, level, noise)

    return render


def transparent(ink: Color) -> Callable[[Array, np.random.Generator], Any]:
    """Make a condition: a transparent canvas."""
    return lambda digit, rng: canvas(
        on_page(strokes(digit, 150), (CANVAS, CANVAS), tuple(rng.random(2))), ink
    )


def speckled(digit: Array, rng: np.random.Generator) -> Array:
    """Return a condition's image: a drawing among dots."""
    page = on_page(strokes(digit, 150), (CANVAS, CANVAS), (0.5, 0.5))
    return paint(specks(page, rng), BLACK, WHITE).astype(np.uint8)


CONDITIONS: dict[str, Callable[[Array, np.random.Generator], Any]] = {
    "untouched": lambda digit, rng: digit,
    "black on white, 280 px": plain(),
    "white on black": plain(ink=WHITE, paper=(0, 0, 0)),
    "anywhere on the pad": plain(height=110, corner=None),
    "touching a corner": plain(corner=(0.0, 0.0)),
    "small, 40 px of 280": plain(height=40, corner=None),
    "tiny, 16 px of 28": plain(height=16, corner=None, side=28),
    "large, 270 px of 280": plain(height=270),
    "fine pen, 2 % of the height": plain(pen=0.02),
    "pen, 10 % of the height": plain(pen=0.10),
    "thick pen, 20 % of the height": plain(pen=0.20),
    "marker, 25 % of the height": plain(pen=0.25),
    "blue on yellow": plain(ink=BLUE, paper=YELLOW),
    "red on green of equal brightness": plain(ink=RED, paper=GREEN),
    "pale gray on white": plain(ink=(205, 205, 205)),
    "transparent canvas, black ink": transparent((0, 0, 0)),
    "transparent canvas, white ink": transparent(WHITE),
    "specks of dirt": speckled,
    "photo, even light": photo(0.9),
    "photo, light falling off": photo(slope),
    "photo, hard shadow": photo(shadow),
    "photo, much noise": photo(slope, noise=20),
    "photo, blue pen": photo(slope, ink=(40, 60, 160)),
    "photo, pencil": photo(slope, ink=(120, 118, 115)),
    "photo, ruled paper": photo(slope, paper=WHITE, lines=(150, 180, 225)),
    "photo, lines as dark as the ink": photo(slope, paper=WHITE, lines=(40, 40, 60)),
    "photo, chalk on a board": photo(slope, ink=(225, 225, 215), paper=(45, 70, 60)),
}


def measure(
    model: zoo.Classifier, digits: mnist_digits.Digits, names: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """Return one row a condition: accuracy, digits refused, milliseconds of preparation."""
    rows = []
    for name in names:
        rng = np.random.default_rng(seed)
        prepared, seconds, refused = [], 0.0, 0
        for digit in tqdm(digits.images, desc=name, leave=False):
            image = CONDITIONS[name](digit, rng)
            start = time.perf_counter()
            try:
                prepared.append(prepare(image))
            except ImageError:
                refused += 1
                prepared.append(np.zeros((28, 28), np.uint8))  # counts as wrong, below
            seconds += time.perf_counter() - start
        inputs = model.preprocessing.normalize_batch(prepared)
        parts = [model.logits(inputs[i : i + 500]) for i in range(0, len(inputs), 500)]
        correct = np.concatenate(parts).argmax(1) == digits.labels
        correct &= np.stack(prepared).any(axis=(1, 2))
        rows.append(
            {
                "condition": name,
                "accuracy": float(correct.mean()),
                "n": len(correct),
                "refused": refused,
                "prepare_ms": 1000 * seconds / len(correct),
            }
        )
        print(
            f"{name:34} {correct.mean():7.2%}  refused {refused:3}"
            f"  {rows[-1]['prepare_ms']:5.1f} ms",
            flush=True,
        )
    return rows


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the rows show."""
    base, others = rows[0], rows[1:]
    worst = min(others, key=lambda row: row["accuracy"])
    good = sum(row["accuracy"] >= 0.98 for row in others)
    return (
        f"Of {len(others)} ways to draw or photograph the same {base['n']} digits, {good} keep at "
        f"least 98 % right (untouched: {percent(base['accuracy'], 2)}); the worst is "
        f"“{worst['condition']}” with {percent(worst['accuracy'], 2)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement and write ``zoo/experiments/digit_preparation.json``."""
    parser = command.parser(QUESTION)
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--n", type=positive, default=1000, help="number of digits (default 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="one condition; then nothing is written")
    options = parser.parse_args(arguments)
    experiment = command.Study(NAME, QUESTION, options, ("numpy", "scipy", "pillow"))
    model = shipped.classifier("mnist")
    digits = mnist_digits.load(options.data_dir, options.split)
    digits = mnist_digits.Digits(digits.images[: options.n], digits.labels[: options.n])
    names = [n for n in CONDITIONS if not options.only or n in options.only]
    rows = measure(model, digits, names, options.seed)
    if options.only:
        return 0
    return experiment.conclude(
        rows, finding(rows), [options.seed], split=options.split, limits=LIMITS
    )


if __name__ == "__main__":
    run_command(main)
