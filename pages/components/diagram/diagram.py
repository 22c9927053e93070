"""A diagram of a network with its tensor shapes, in which a layer can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.components.register import component
from pages.images import encoding
from zoo.explain import Trace, TracedLayer

_mount = component("diagram", shared=("ask_first",))
_OPENS = ("convolution", "linear", "transposed convolution")  # kinds that begin a block
_TITLES = {"batch norm": "BatchNorm", "linear": "Linear", "activation": ""}


@dataclass
class DiagramBlock:
    """A weighted layer and what follows it: one box.

    Attributes:
        title: What its layers' names have in common.
        layers: In order.
        skips: Numbers of the blocks whose output joins here by a skip connection.
    """

    title: str
    layers: list[TracedLayer]
    skips: list[int] = field(default_factory=list)

    @property
    def main(self) -> TracedLayer:
        """The layer that stands for the block: its last activation, else its last layer."""
        active = [layer for layer in self.layers if layer.kind == "activation"]
        return (active or self.layers)[-1]


def blocks(run: Trace) -> list[DiagramBlock]:
    """Group the layers of a run into blocks, in the order of computation."""
    found: list[DiagramBlock] = []
    for layer in run.layers:
        if not found or layer.kind in _OPENS:
            found.append(DiagramBlock("", []))
        found[-1].layers.append(layer)
    number = {layer.name: i for i, block in enumerate(found) for layer in block.layers}
    for block in found:
        block.title = _common([layer.name for layer in block.layers])
    for skip in run.skips:
        if skip.leaves in number and number[skip.leaves] != number[skip.joins]:
            found[number[skip.joins]].skips.append(number[skip.leaves])
    return found


def show(
    key: str,
    found: Sequence[DiagramBlock],
    chosen: str,
    on_pick: Callable[[], None],
    image: bytes,
    ask: str | None = None,
) -> None:
    """Draw the network.

    Args:
        key: Streamlit's key.
        found: From :func:`blocks`.
        chosen: Name of the chosen layer.
        on_pick: Called when somebody chooses; ask :func:`picked` there.
        image: A PNG file of the image that enters.
        ask: Address, to which ``&layer=NAME`` is added, of what the page's sheet of maps
            (`grid_picker`) shall show of a layer before a run has brought the same.
    """
    drawn = [_block(block) for block in found]
    for block, place in zip(drawn, places(found) or [], strict=False):
        block |= place
    data = {"chosen": chosen, "blocks": drawn, "image": encoding.data_url(image), "ask": ask}
    _mount(key=key, data=data, on_picked_change=on_pick)


def places(found: Sequence[DiagramBlock]) -> list[dict[str, Any]] | None:
    """Return where the blocks stand in a U; None if the maps do not shrink and grow again.

    Returns:
        For each block ``row``, one for each size of maps, the largest on top; ``place``: "left" on
        the way down, "right" on the way up, "bottom" between; and, where a skip connection joins
        maps that are enlarged first, ``arrives``: the number of the block behind.
    """
    heights = [block.main.shape[1] if len(block.main.shape) == 3 else 0 for block in found]
    lowest = min(heights)
    first = heights.index(lowest)
    last = len(heights) - 1 - heights[::-1].index(lowest)
    if not lowest or not first or max(heights[last:]) < 4 * lowest:
        return None
    rows = {height: row for row, height in enumerate(sorted(set(heights), reverse=True))}
    result: list[dict[str, Any]] = []
    for number, (block, height) in enumerate(zip(found, heights, strict=True)):
        between = first <= number <= last
        place = "bottom" if between else "left" if number < first else "right"
        result.append({"row": rows[lowest if between else height], "place": place})
        if any(heights[skip] != height for skip in block.skips) and number + 1 < len(found):
            result[-1]["arrives"] = number + 1
    return result


def picked(key: str, run: Trace) -> str | None:
    """Return the layer that was just chosen, inside ``on_pick``, or None if there is none such."""
    state = st.session_state.get(key)
    value = state.get("picked") if isinstance(state, Mapping) else None
    return value if isinstance(value, str) and value in run.calls else None


def title(layer: TracedLayer) -> str:
    """Return a layer's kind as people write it: "Convolution", "ReLU", "Max pooling"."""
    name = _TITLES.get(layer.kind, layer.kind.capitalize())
    return name or {"relu": "ReLU", "gelu": "GELU"}.get(layer.operation, layer.operation)


def size(shape: Sequence[int]) -> str:
    """Return a shape as text: ``32 × 12 × 12``."""
    return " × ".join(map(str, shape))


def _block(block: DiagramBlock) -> dict[str, Any]:
    shape = block.main.shape
    layers = [
        {"name": layer.name, "title": title(layer), "size": size(layer.shape)}
        for layer in block.layers
        if layer.shape
    ]
    return {
        "title": block.title,
        "size": size(shape),
        "note": str(shape[0]),
        "side": f"{shape[1]} × {shape[2]}" if len(shape) == 3 else "",
        "shape": list(shape),
        "main": block.main.name,
        "skips": block.skips,
        "layers": layers,
    }


def _common(names: Sequence[str]) -> str:
    """Return the path that names have in common, or the first name.

    >>> _common(["down.0.first.conv", "down.0.first.bn"]), _common(["conv1", "bn1"])
    ('down.0.first', 'conv1')
    """
    first = names[0].split(".")
    inside = [n.split(".") for n in names if n.split(".")[:-1] == first[:-1]]
    return ".".join(first[:-1]) if len(first) > 2 and len(inside) > 1 else names[0]
