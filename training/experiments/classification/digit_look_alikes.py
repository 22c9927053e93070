"""Is a 1 with a flag read, a crossed 7, a digit in a box; and is what is no digit noticed?

Three times forty drawings of each kind, by a script, at many angles and with many pens; validation
digits in printed frames; and images of no single digit, for the warning.

    python -m training.experiments.classification.digit_look_alikes --data-dir DIR
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import zoo
from training.data import mnist_digits
from training.engine.failures import run_command
from training.experiments import command, shipped
from training.experiments.classification.digit_preparation import on_page, strokes
from training.experiments.interval_text import percent
from training.metrics import digit_outliers
from zoo.errors import ImageError
from zoo.preprocessing.mnist_format import prepare

NAME = "digit_look_alikes"
QUESTION = (
    "Are a 1 with a flag, a crossed 7 and a digit in a box read, and is what is no digit noticed?"
)
SEEDS = (0, 1, 2)  # of the drawings; the network is the one that ships
SIDE = 280  # of the Digits page's pad
Point = tuple[float, float]
Rng = np.random.Generator


def one_with_flag(rng: Rng, foot: bool = False) -> Image.Image:
    """Draw a 1 whose flag falls by 30° to 60°, turned by up to 12° either way."""
    height = rng.uniform(120, 200)
    top, bottom = (0.0, -height / 2), (rng.uniform(-0.1, 0.05) * height, height / 2)
    fall, reach = np.radians(rng.uniform(30, 60)), height * rng.uniform(0.22, 0.5)
    lines = [[(top[0] - reach * np.cos(fall), top[1] + reach * np.sin(fall)), top, bottom]]
    if foot:
        half = height * rng.uniform(0.15, 0.32)
        lines.append([(bottom[0] - half, bottom[1]), (bottom[0] + half, bottom[1])])
    return drawn(lines, rng.uniform(0.04, 0.16) * height, rng.uniform(-12, 12))


def crossed_seven(rng: Rng) -> Image.Image:
    """Draw a 7 with a bar through its stem, turned by up to 12° either way."""
    height = rng.uniform(120, 200)
    width = height * rng.uniform(0.5, 0.8)
    foot = (rng.uniform(-0.3, 0.15) * width, height / 2)
    corner = (width / 2, -height / 2 + rng.uniform(-0.06, 0.06) * height)
    share = rng.uniform(0.4, 0.6)
    x, y = (a + share * (b - a) for a, b in zip(corner, foot, strict=True))
    half, tilt = height * rng.uniform(0.15, 0.3), np.radians(rng.uniform(-15, 15))
    along = (half * np.cos(tilt), half * np.sin(tilt))
    bar = [(x - along[0], y - along[1]), (x + along[0], y + along[1])]
    lines = [[(-width / 2, -height / 2), corner, foot], bar]
    return drawn(lines, rng.uniform(0.04, 0.13) * height, rng.uniform(-12, 12))


def drawn(lines: Sequence[Sequence[Point]], pen: float, turn: float) -> Image.Image:
    """Draw lines around the middle of a white page, turned, with a round black pen."""
    page = Image.new("L", (2 * SIDE, 2 * SIDE), 255)
    pencil = ImageDraw.Draw(page)
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    for line in lines:
        points = [
            (SIDE + 2 * (cosine * x - sine * y), SIDE + 2 * (sine * x + cosine * y))
            for x, y in line
        ]
        pencil.line(points, 0, round(2 * pen), joint="curve")
        for x, y in points:
            pencil.ellipse((x - pen, y - pen, x + pen, y + pen), 0)
    return page.resize((SIDE, SIDE), Image.Resampling.BOX)


def framed(
    inset: float, sides: str = "nesw", place: float = 0.5, height: float = 150
) -> Callable[[np.ndarray, Rng], Image.Image]:
    """Make a condition: a digit on a page with printed lines.

    Args:
        inset: how far the lines are from the page's edges, in pixels.
        sides: which lines are there; without "e" and "s" the lines run on to the page's end.
        place: where the digit stands, 0.5 in the middle, 1 at the lower right.
        height: of MNIST's 20-pixel box in the drawing, in pixels.
    """

    def render(digit: np.ndarray, rng: Rng) -> Image.Image:
        ink = on_page(strokes(digit, height, rng.uniform(0.05, 0.14)), (SIDE, SIDE), (place, place))
        lines = Image.new("L", (SIDE, SIDE))
        pencil, width = ImageDraw.Draw(lines), int(rng.integers(2, 9))
        low, high = inset, SIDE - 1 - inset
        right, bottom = high if "e" in sides else SIDE, high if "s" in sides else SIDE
        boxes = {
            "n": (low, low, right, low + width - 1), "s": (low, high - width + 1, right, high),
            "w": (low, low, low + width - 1, bottom), "e": (high - width + 1, low, high, bottom),
        }  # fmt: skip
        for side in sides:
            pencil.rectangle(boxes[side], fill=255)
        if inset:
            lines = lines.rotate(rng.uniform(-2, 2), Image.Resampling.BILINEAR)
        dark = np.maximum(ink * 255, np.asarray(lines))
        return Image.fromarray((255 - dark).astype(np.uint8))

    return render


DRAWINGS: dict[str, tuple[str, Callable[[Rng], Image.Image]]] = {
    "1 with a flag": ("1", one_with_flag),
    "1 with a flag and a foot": ("1", lambda rng: one_with_flag(rng, foot=True)),
    "crossed 7": ("7", crossed_seven),
}
FRAMES: dict[str, Callable[[np.ndarray, Rng], Image.Image]] = {
    "in a box": framed(20),
    "in a box, touching it": framed(20, place=0.95, height=190),
    "the image's edge is a box": framed(0),
    "in the corner of a cell": framed(20, "nw"),
    "line at the left edge": framed(0, "w"),
}


def row(
    group: str, kind: str, seed: int, found: Sequence[zoo.Classification | None], truth: Sequence
) -> dict[str, Any]:
    """Sum up the answers to one kind of image; None is one that was refused in a sentence.

    Args:
        group: "look-alike", "frame" or "no digit".
        kind: of images.
        seed: of the drawings.
        found: the answers.
        truth: the label of each image; empty if none has one.
    """
    count = len(found)
    right = sum(a is not None and a.label == t for a, t in zip(found, truth, strict=False))
    return {
        "group": group,
        "kind": kind,
        "seed": seed,
        "n": count,
        "accuracy": right / count if truth else None,
        "warned": sum(a is not None and a.is_ood for a in found) / count,
        "refused": sum(a is None for a in found) / count,
    }


def answers(
    model: zoo.Classifier, images: Sequence[Image.Image | np.ndarray]
) -> list[zoo.Classification | None]:
    """Return the answer to each image, None for one that the preparation refuses."""
    prepared: list[np.ndarray | None] = []
    for image in images:
        try:
            prepared.append(prepare(image))
        except ImageError:
            prepared.append(None)
    found = iter(model.predict_batch([image for image in prepared if image is not None]))
    return [None if image is None else next(found) for image in prepared]


def measure(
    model: zoo.Classifier, digits: mnist_digits.Digits, seed: int, count: int
) -> list[dict[str, Any]]:
    """Return the rows of one seed, with so many drawings of each kind."""
    rows = []
    for kind, (label, draw) in DRAWINGS.items():
        rng = np.random.default_rng(seed)
        found = answers(model, [draw(rng) for _ in range(count)])
        rows.append(row("look-alike", kind, seed, found, [label] * count))
    for kind, render in FRAMES.items():
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(digits), count, replace=False)
        found = answers(model, [render(digits.images[i], rng) for i in chosen])
        rows.append(row("frame", kind, seed, found, [str(digits.labels[i]) for i in chosen]))
    for kind, make in digit_outliers.kinds(digits.images).items():
        rng = np.random.default_rng(seed + 100)  # other drawings than those in the model's record
        found = answers(model, [make(rng) for _ in range(count)])
        rows.append(row("no digit", kind, seed, found, []))
    for part in rows:
        print(part, flush=True)
    return rows


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the rows show: of every group the mean and the worst kind."""

    def say(group: str, value: Callable[[dict[str, Any]], float]) -> str:
        mine = [r for r in rows if r["group"] == group]
        by_kind = {r["kind"]: [value(s) for s in mine if s["kind"] == r["kind"]] for r in mine}
        means = {kind: float(np.mean(values)) for kind, values in by_kind.items()}
        worst = min(means, key=means.__getitem__)
        return f"{percent(list(means.values()))} (least: {worst}, {percent(means[worst])})"

    seeds = len({r["seed"] for r in rows})
    return (
        f"Over {seeds} seeds of {rows[0]['n']} drawings a kind, "
        f"{say('look-alike', lambda r: r['accuracy'])} of ones with flags and crossed sevens are "
        f"right, {say('frame', lambda r: r['accuracy'])} of digits in printed frames, and "
        f"{say('no digit', lambda r: r['warned'] + r['refused'])} of images without a single digit "
        "get a warning or are refused in a sentence."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement and write ``zoo/experiments/digit_look_alikes.json``."""
    options = command.parser(QUESTION, "runs/digit_look_alikes").parse_args(arguments)
    experiment = command.Study(NAME, QUESTION, options, ("numpy", "scipy", "pillow"))
    model = shipped.classifier("mnist")
    digits = mnist_digits.load(options.data_dir, "validation")
    count = 3 if options.quick else 40
    rows = [r for seed in SEEDS for r in measure(model, digits, seed, count)]
    return experiment.conclude(
        rows,
        finding(rows),
        SEEDS,
        split="validation",
        limits="One network. The drawings are a script's, not people's; the digits in frames are "
        "validation digits. Scribbles, letters, dots and minus signs of other drawings were shown "
        "to the network in training; small letters, empty frames and photos were not.",
    )


if __name__ == "__main__":
    run_command(main)
