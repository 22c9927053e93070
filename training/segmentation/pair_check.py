"""What is found in pairs of images and masks before any training: how masks are read, what is odd.

"I trained on my own images and every mask is black" has a cause that can be seen beforehand nearly
always: masks of 0 and 1 that were read as black, masks of several classes, masks that belong to
other images, images that are turned.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.segmentation.mask_pairs import FoundPair, Matching
from zoo.errors import ImageError
from zoo.preprocessing.gray_depth import is_deep
from zoo.preprocessing.image_files import decode
from zoo.preprocessing.images import open_image
from zoo.segmentation import mask_values

SMALL = 0.01  # the mean share of foreground below which a network may learn to answer "nothing"
INVERTED = 0.75  # and that above which object and background may have been exchanged
SHOWN = 4  # names in a sentence


@dataclass(frozen=True)
class CheckedPair:
    """What was seen in one pair.

    Attributes:
        pair: the files.
        size, mask_size: (width, height); None if it cannot be read.
        values: how the mask's values are read, such as ``"0 and 255"``.
        share: of the image that is foreground; None if the mask cannot be read.
        problem: why this pair cannot be learned from; "" if it can.
        digest: equal for two images with the same pixels.
    """

    pair: FoundPair
    size: tuple[int, int] | None = None
    mask_size: tuple[int, int] | None = None
    values: str = ""
    share: float | None = None
    problem: str = ""
    digest: str = ""


@dataclass
class Report:
    """What is said before training.

    Attributes:
        facts: sentences about what was found.
        warnings: what is doubtful.
        problems: what stops the training.
        checked: all pairs.
        held: names of the pairs that are held out.
    """

    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    checked: list[CheckedPair] = field(default_factory=list)
    held: frozenset[str] = frozenset()

    def lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        return [
            *self.facts,
            *(f"warning: {text}" for text in self.warnings),
            *(f"problem: {text}" for text in self.problems),
        ]


def check_pairs(pairs: Sequence[FoundPair]) -> list[CheckedPair]:
    """Look at every pair, several at once: decoding releases the interpreter's lock."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(check_pair, pairs))


def check_pair(pair: FoundPair) -> CheckedPair:
    """Look at one pair."""
    try:
        image = open_image(pair.image, share=True)
    except ImageError as error:
        return CheckedPair(pair, problem=f"the image cannot be read ({_said(error)})")
    digest = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
    try:
        mask = decode(pair.mask)
    except ImageError as error:
        return CheckedPair(
            pair, image.size, problem=f"the mask cannot be read ({_said(error)})", digest=digest
        )
    values = describe_values(mask)
    seen = CheckedPair(pair, image.size, mask.size, values, digest=digest)
    try:
        share = float(mask_values.of(mask).mean())
    except ImageError as error:
        return _with(seen, problem=_said(error))
    if image.size != mask.size:
        turned = ""
        if image.size == mask.size[::-1]:
            turned = ": one of the two is turned; store the image upright, or turn the mask"
        sizes = " and the mask ".join(f"{w} × {h}" for w, h in (image.size, mask.size))
        return _with(seen, problem=f"the image has {sizes} pixels{turned}")
    return _with(seen, share=share)


def describe_values(mask: Image.Image) -> str:
    """Return in words which values a mask's file holds, and what they are taken for."""
    if mask.mode in ("RGBA", "LA", "PA") or "transparency" in mask.info:
        alpha = np.asarray(mask.convert("RGBA").getchannel("A"))
        if alpha.min() < 128 <= alpha.max():
            return "transparency: what is opaque"
    if mask.mode == "1":
        return "1 bit"
    if mask.mode == "P":
        return f"a palette with {len(np.unique(np.asarray(mask)))} of its colours"
    if mask.mode == "RGB":
        colours = mask.getcolors(256)
        return f"{len(colours)} colours" if colours else "more than 256 colours"
    array = np.asarray(mask if mask.mode not in ("LA", "La") else mask.getchannel(0))
    present = np.unique(array)
    depth = "16 bits, " if is_deep(mask) else ""
    if len(present) == 1:
        return f"{depth}{present[0]:g} everywhere"
    if len(present) == 2:
        return f"{depth}{present[0]:g} and {present[1]:g}"
    few = ", ".join(f"{value:g}" for value in present)
    return f"{depth}{few}" if len(present) <= 6 else f"{depth}soft: {len(present)} values"


def report(matching: Matching, checked: Sequence[CheckedPair], held: frozenset[str]) -> Report:
    """Return what is to be said about pairs before training.

    Args:
        matching: how they were found.
        checked: what was seen in each.
        held: names of those that are held out.
    """
    made = Report(checked=list(checked), held=held)
    good = [one for one in checked if one.share is not None]
    made.facts = [
        f"{len(matching.pairs)} pairs ({matching.rule}); {len(held)} of them are held out.",
        f"Images: {_sizes([one.size for one in checked if one.size])}.",
        f"Values of the masks: {_counted([one.values for one in checked if one.values])}.",
    ]
    _add_missing(made, matching)
    by_problem: dict[str, list[str]] = defaultdict(list)
    for one in checked:
        if one.problem:
            by_problem[one.problem].append(one.pair.name)
    made.problems += [f"{_some(names)}: {text}." for text, names in by_problem.items()]
    if good:
        _add_shares(made, good)
    _add_doubles(made, checked)
    return made


def _add_missing(made: Report, matching: Matching) -> None:
    for files, what in ((matching.no_mask, "no mask"), (matching.no_image, "no image")):
        if files:
            kind = "image" if what == "no mask" else "mask"
            names = _some([path.name for path in files])
            told = _number(files, f"{kind} has", f"{kind}s have")
            made.warnings.append(f"{told} {what} and will not be used: {names}.")


def _add_shares(made: Report, good: Sequence[CheckedPair]) -> None:
    shares = np.array([one.share for one in good], np.float64)
    made.facts.append(
        f"Foreground: {shares.mean():.1%} of the image on average, "
        f"{shares.min():.1%} to {shares.max():.1%}."
    )
    empty = [one.pair.name for one in good if one.share == 0]
    full = [one.pair.name for one in good if one.share == 1]
    if len(empty) == len(good):
        made.problems.append("every mask is empty: nothing can be learned from them.")
    elif empty:
        made.warnings.append(f"{_number(empty, 'mask is', 'masks are')} empty: {_some(empty)}.")
    if len(full) == len(good):
        made.problems.append("every mask is full: nothing can be learned from them.")
    elif full:
        made.warnings.append(
            f"{_number(full, 'mask covers', 'masks cover')} the whole image: {_some(full)}."
        )
    if 0 < shares.mean() < SMALL:
        made.warnings.append(
            "the objects are small; at 512 pixels little of them may be left: crop the images "
            "around them."
        )
    if INVERTED < shares.mean() < 1:
        made.warnings.append(
            "most of each image is foreground: are object and background exchanged?"
        )


def _add_doubles(made: Report, checked: Sequence[CheckedPair]) -> None:
    by_digest: dict[str, list[str]] = defaultdict(list)
    for one in checked:
        if one.digest:
            by_digest[one.digest].append(one.pair.name)
    doubles = [names for names in by_digest.values() if len(names) > 1]
    across = [names for names in doubles if 0 < len(made.held & set(names)) < len(names)]
    if across:
        made.warnings.append(
            f"{_number(across, 'image is', 'images are')} there twice, once to learn from and once "
            "held out, so that the metric says too much: "
            f"{_some([' = '.join(names) for names in across])}."
        )
    elif doubles:
        made.warnings.append(
            f"{_number(doubles, 'image is', 'images are')} there twice: "
            f"{_some([' = '.join(names) for names in doubles])}."
        )


def overlay(pair: FoundPair, longest: int = 320) -> NDArray[np.uint8]:
    """Return an image with its mask's outside darkened and its outline drawn, uint8 (h, w, 3)."""
    image = open_image(pair.image)
    image.thumbnail((longest, longest))
    pixels = np.asarray(image).astype(np.float32)
    try:
        mask = Image.fromarray(mask_values.of(decode(pair.mask)))
    except ImageError:
        return np.asarray(image)
    inside = np.asarray(mask.resize(image.size, Image.Resampling.NEAREST))
    edge = np.zeros_like(inside)
    edge[1:] |= inside[1:] != inside[:-1]
    edge[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    pixels[~inside] *= 0.35
    pixels[edge] = (255, 60, 160)
    return pixels.astype(np.uint8)


def _with(seen: CheckedPair, **more: object) -> CheckedPair:
    return CheckedPair(**(vars(seen) | more))


def _said(error: ImageError) -> str:
    return str(error).rstrip(".")


def _number(things: Sequence[object], one: str, several: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else several}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _counted(texts: Sequence[str]) -> str:
    return "; ".join(f"{text} ({count})" for text, count in Counter(texts).most_common(SHOWN))


def _sizes(sizes: Sequence[tuple[int, int]]) -> str:
    if not sizes:
        return "none that can be read"
    return _counted([f"{width} × {height}" for width, height in sizes])
