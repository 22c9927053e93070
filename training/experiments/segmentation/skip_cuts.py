"""Why does a U-Net have skip connections: what breaks without them, and what when one is cut?

    python -m training.experiments.segmentation.skip_cuts --data-dir DIR

Small U-Nets learn Carvana's studio with skip connections and without (own learning rate each).
While they learn, the size of the gradient is noted at the first and the last convolution. Then each
connection of the trained networks is cut: zeros, or each channel's mean, arrive instead.

Rows, one a network, cut and seed:

- ``network``: "with skips" or "without skips"; ``seed``; ``learning_rate``.
- ``cut``: "none", "all", or the size at which the connection joins: "1/2", "1/4", "1/8".
- ``fill``: "zero" or "mean"; null where nothing is cut.
- ``iou``, ``boundary_iou``: mean over the validation images of the studio.
- ``edge_errors``: share of the wrong pixels that lie within 3 pixels of the true edge.

``gradients``: {"network", "seed", "step", "first", "last"}: ‖∂L/∂W‖ / ‖W‖ of the first and the last
3 × 3 convolution. ``maps``: probabilities of one image, as base64 PNGs, by network and cut.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.rate_search import RateSearch
from training.experiments.segmentation.small_car_study import SmallCarStudy
from training.experiments.segmentation.small_cars import (
    StudioRecipe,
    named,
    probabilities,
    quality,
    timed,
    train,
)

NAME = "skip_cuts"
QUESTION = "Why does a U-Net have skip connections?"
SEARCH = RateSearch(rates=(1e-3, 3e-3, 1e-2), seeds=(0, 1, 2), score="iou")
NETWORKS = {"with skips": True, "without skips": False}
FILLS = ("zero", "mean")
POINTS = 40  # of the gradients' curve
IMAGES = 1600


class Gradients:
    """Notes the size of the gradient at both ends of a network while it learns."""

    def __init__(self, steps: int) -> None:
        self.every = max(1, steps // POINTS)
        self.rows: list[dict[str, float]] = []

    def __call__(self, step: int, network: nn.Module) -> None:
        """Note ‖∂L/∂W‖ / ‖W‖ of the first and the last 3 × 3 convolution."""
        if step % self.every:
            return
        sizes = []
        for _, layer in named(network):
            assert layer.weight.grad is not None
            sizes.append((layer.weight.grad.norm() / layer.weight.detach().norm()).item())
        self.rows.append({"step": step, "first": sizes[0], "last": sizes[-1]})


@contextmanager
def cut(network: nn.Module, places: Sequence[str], fill: str) -> Iterator[None]:
    """Let zeros, or each channel's mean, arrive over some skip connections.

    Args:
        network: a `UNet` with skip connections; it is whole again afterwards.
        places: of `joins`.
        fill: "zero" or "mean".
    """

    def instead(_: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
        (joined,) = arguments
        below, detail = joined.chunk(2, dim=1)  # as many channels come from below as over the skip
        level = detail.mean(dim=(2, 3), keepdim=True) if fill == "mean" else 0.0 * detail
        return (torch.cat([below, level.expand_as(detail)], dim=1),)

    hooks = [joins(network)[place].register_forward_pre_hook(instead) for place in places]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def joins(network: nn.Module) -> dict[str, nn.Module]:
    """Return what each skip connection arrives at, by its size: 1/2, 1/4, …"""
    ups: Any = network.up
    blocks = [up.block for up in ups]
    return {f"1/{2 ** (k + 1)}": block for k, block in enumerate(reversed(blocks))}


def cuts(network: nn.Module) -> list[tuple[str, tuple[str, ...], str | None]]:
    """Return what is cut: a name, the places, and what arrives instead."""
    found: list[tuple[str, tuple[str, ...], str | None]] = [("none", (), None)]
    if network.skips:
        places = tuple(joins(network))
        found += [(place, (place,), fill) for fill in FILLS for place in places]
        found += [("all", places, fill) for fill in FILLS]
    return found


def run(study: SmallCarStudy, key: Mapping[str, Any]) -> dict[str, Any]:
    """Train one network, and measure it whole and with connections cut."""
    recipe = StudioRecipe.of(key)
    gradients = Gradients(recipe.images // recipe.batch)
    network, seconds = timed(
        lambda: train(recipe, study.photos, key["seed"], study.compute, gradients)
    )
    rows, maps = [], []
    shown = study.held_out[0].read()[0]
    for name, places, fill in cuts(network):
        with cut(network, places, fill or "zero"):
            found = quality(network, study.held_out, recipe.resolution, study.compute)
            rows.append({"cut": name, "fill": fill} | found)
            if fill != "mean":
                seen = probabilities(network, shown, recipe.resolution, study.compute)
                maps.append({"cut": name, "png": png(seen)})
    return {
        "iou": rows[0]["iou"],
        "rows": rows,
        "maps": maps,
        "gradients": gradients.rows,
        "seconds": seconds,
    }


def png(probability: NDArray[np.float32]) -> str:
    """Return a map as a gray PNG of 256 pixels, base64."""
    image = Image.fromarray((255 * probability).round().astype(np.uint8))
    image.thumbnail((256, 256))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def finding(rows: Sequence[Mapping[str, Any]], gradients: Sequence[Mapping[str, Any]] = ()) -> str:
    """Say in a few sentences what the tables show."""

    def of(column: str, network: str, cut_at: str = "none") -> str:
        values = [
            row[column]
            for row in rows
            if (row["network"], row["cut"]) == (network, cut_at) and row["fill"] != "mean"
        ]
        return percent(values)

    places = [row["cut"] for row in rows if row["cut"] not in ("none", "all")]
    told = ", ".join(f"{place} {of('iou', 'with skips', place)}" for place in dict.fromkeys(places))
    ratio = {
        network: median(g["first"] for g in gradients if g["network"] == network)
        for network in (NETWORKS if gradients else ())
    }
    grew = (
        f" The relative gradient at the first convolution is {ratio['without skips']:.3g} without "
        f"skip connections and {ratio['with skips']:.3g} with them (medians over the training)."
        if ratio
        else ""
    )
    return (
        f"Trained without skip connections the IoU is {of('iou', 'without skips')} instead of "
        f"{of('iou', 'with skips')}, the Boundary IoU "
        f"{of('boundary_iou', 'without skips')} instead of "
        f"{of('boundary_iou', 'with skips')}. Cut after training (zeros), the IoU "
        f"becomes: {told}, all {of('iou', 'with skips', 'all')}.{grew}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallCarStudy(NAME, QUESTION, arguments, SEARCH)
    variants = [
        study.variant(network=name, skips=skips, images=IMAGES) for name, skips in NETWORKS.items()
    ]
    rows, gradients, maps = [], [], []
    for one in study.train(variants, run):
        for seed, result in one.results.items():
            name = {"network": one.variant["network"], "seed": seed}
            rate = {"learning_rate": one.learning_rate}
            rows += [name | rate | row for row in result["rows"]]
            gradients += [name | row for row in result["gradients"]]
            maps += [name | row for row in result["maps"]] if seed == study.search.seeds[0] else []
    return study.conclude(
        rows,
        finding(rows, gradients),
        study.search.seeds,
        gradients=gradients,
        maps=maps,
        limits="with BatchNorm everywhere, which keeps gradients large in both networks, whose "
        "gradients are those at each one's own learning rate",
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
