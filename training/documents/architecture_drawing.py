"""A diagram of a network as an SVG file, drawn from one run of it: what is drawn is what ran.

A bar is a layer with weights; the bars' heights follow the size of the maps, the numbers below are
channels, the arcs are skip connections. The colours are legible on white and on black: GitHub
shows the same file in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise

import numpy as np

import zoo
from zoo.explain import Trace, trace

COLOURS = {"convolution": "#7a76e8", "linear": "#c08328"}
TEXT, LINE = "#767680", "#8d8d98"
_WEIGHTED = (*COLOURS, "transposed convolution")
WIDTH, BASE, TALL = 760, 150, 92  # pixels: the image, where bars stand, the highest bar
MARGIN, GAP = 66, 0.9  # pixels beside the bars; bars' widths between two sizes of maps
FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True)
class Bar:
    """A layer with weights.

    Attributes:
        kind: ``"convolution"`` or ``"linear"``.
        channels: of its output.
        height: of its output's maps, in pixels; 1 for a linear layer.
        width: likewise.
    """

    kind: str
    channels: int
    height: int
    width: int


def draw(name: str) -> str:
    """Return the SVG of a model of the zoo.

    Args:
        name: one of ``zoo.list_models()``.
    """
    model = zoo.load(name, device="cpu", source="bundle")
    run = trace(model.network, np.zeros(model.preprocessing.input_shape, np.float32))
    bars, arcs = layers(run)
    places, wide = _places(bars)
    parts = [
        *(_arc(bars, places, wide, *arc) for arc in arcs),
        *(_bar(bar, x, wide) for bar, x in zip(bars, places, strict=True)),
        *_labels(bars, places, wide),
        _end(places[0] - 14, "end", run.input.shape),
        _end(places[-1] + wide + 14, "start", run[run.output].shape),
        _legend({bar.kind for bar in bars}, bool(arcs)),
    ]
    count = f"{zoo.info(name).parameters:,} parameters"
    top = round(BASE - max(map(_high, bars)) - (34 if arcs else 8))
    box = f"0 {top} {WIDTH} {BASE + 56 - top}"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{box}' role='img'>\n"
        f"<title>{escape(f'{name}: {len(bars)} layers with weights, {count}')}</title>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def layers(run: Trace) -> tuple[list[Bar], list[tuple[int, int]]]:
    """Return the layers with weights in order, and the skip connections as pairs of their numbers.

    Args:
        run: of the network on one image.
    """
    bars: list[Bar] = []
    number: dict[str, int] = {}
    for layer in run.layers:
        if layer.kind in _WEIGHTED:
            channels, height, width = (*layer.shape, 1, 1)[:3]
            kind = "linear" if layer.kind == "linear" else "convolution"
            bars.append(Bar(kind, channels, height, width))
        number[layer.name] = max(0, len(bars) - 1)
    pairs = []
    for skip in run.skips:
        later = run.layer(skip.joins).kind == "concatenation"  # what is joined goes into the next
        pairs.append((number[skip.leaves], min(number[skip.joins] + later, len(bars) - 1)))
    return bars, [(start, end) for start, end in pairs if start != end]


def _places(bars: Sequence[Bar]) -> tuple[list[float], float]:
    """Return where each bar begins, and how wide all are; sizes of maps stand apart."""
    steps = [0.0]
    for before, bar in pairwise(bars):
        apart = (before.height, before.width) != (bar.height, bar.width)
        steps.append(steps[-1] + 1.45 + GAP * apart)
    wide = min(26.0, (WIDTH - 2 * MARGIN) / (steps[-1] + 1))
    left = (WIDTH - (steps[-1] + 1) * wide) / 2
    return [left + step * wide for step in steps], wide


def _high(bar: Bar, largest: int = 512) -> float:
    """Return a bar's height: with the logarithm, so that halving a map is one step down."""
    return 10 + (TALL - 10) * min(1.0, math.log2(max(bar.height, bar.width)) / math.log2(largest))


def _bar(bar: Bar, x: float, wide: float) -> str:
    high = _high(bar)
    return (
        f"<rect x='{x:.1f}' y='{BASE - high:.1f}' width='{wide:.1f}' height='{high:.1f}' rx='2' "
        f"fill='{COLOURS[bar.kind]}'/>"
    )


def _arc(bars: Sequence[Bar], places: Sequence[float], wide: float, start: int, end: int) -> str:
    """Draw a skip connection above what it passes over."""
    top = BASE - max(_high(bar) for bar in bars[start : end + 1])
    first, last = places[start] + wide / 2, places[end] + wide / 2
    lift = top - 8 - min(22.0, (last - first) / 14)
    return (
        f"<path d='M{first:.1f} {BASE - _high(bars[start]):.1f}C{first:.1f} {lift:.1f} "
        f"{last:.1f} {lift:.1f} {last:.1f} {BASE - _high(bars[end]):.1f}' fill='none' "
        f"stroke='{LINE}' stroke-width='1.2'/>"
    )


def _labels(bars: Sequence[Bar], places: Sequence[float], wide: float) -> list[str]:
    """Write channels, and below them the size of the maps, once for all neighbours that share it.

    Whatever stands between two sizes of maps shares nothing: the channels are written again.
    """
    sizes = [f"{bar.height}×{bar.width}" if bar.kind != "linear" else "" for bar in bars]
    channels = [(size, str(bar.channels)) for size, bar in zip(sizes, bars, strict=True)]
    parts = []
    for keys, below, font in ((channels, 13, 10), ([(size, size) for size in sizes], 27, 8.5)):
        for _, run in groupby(range(len(bars)), key=keys.__getitem__):
            members = list(run)
            middle = (places[members[0]] + places[members[-1]] + wide) / 2
            if text := keys[members[0]][1]:
                parts.append(_text(middle, BASE + below, "middle", text, font))
    return parts


def _end(x: float, anchor: str, shape: Sequence[int]) -> str:
    """Write the shape of what goes in or comes out."""
    return "".join(
        _text(x, BASE - 16 + 12 * line, anchor, text, 10)
        for line, text in enumerate(
            [f"{shape[0]} ×", "×".join(map(str, shape[1:]))] if len(shape) > 1 else [f"{shape[0]}"]
        )
    )


def _legend(kinds: set[str], skips: bool) -> str:
    parts, x = [], MARGIN
    for kind, colour in COLOURS.items():
        if kind in kinds:
            parts.append(f"<rect x='{x}' y='{BASE + 41}' width='9' height='9' fill='{colour}'/>")
            parts.append(_text(x + 14, BASE + 49, "start", kind, 10))
            x += 28 + 6 * len(kind)
    if skips:
        parts.append(
            f"<path d='M{x} {BASE + 49}q8 -12 16 0' fill='none' stroke='{LINE}' "
            "stroke-width='1.2'/>"
        )
        parts.append(_text(x + 22, BASE + 49, "start", "skip connection", 10))
        x += 116
    parts.append(
        _text(x + 4, BASE + 49, "start", "below the bars: channels, height × width of the maps", 10)
    )
    return "".join(parts)


def _text(x: float, y: float, anchor: str, text: str, size: float) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size:g}' {FONT} "
        f"fill='{TEXT}'>{escape(text)}</text>"
    )
