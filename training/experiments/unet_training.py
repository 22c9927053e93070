"""Short trainings of U-Nets under equal conditions, for comparisons of one thing at a time."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training import carvana
from training.carvana_record import plain
from training.data.augment_cars import Sources
from training.distributed import Processes
from training.experiments import command
from training.files import read_json
from training.machine import Machine, choose_precision
from training.predict_masks import Held
from training.run import CHECKPOINT, positive

# A tenth of the recipe's pictures, all of them small, so that two cores need minutes.
EPOCHS = 4
SEEDS = (0, 1)
# The studio alone, at the camera's own pixels: see `CarAugmentation.unscaled`.
STUDIO = replace(carvana.SHARP, unscaled=1.0, paste=0.0, street=0.0)


def parse(
    question: str, arguments: Sequence[str] | None = None
) -> tuple[argparse.Namespace, carvana.Recipe]:
    """Read the command line that these experiments share; return it and the short recipe."""
    parser = command.parser(question, "runs/unet")
    parser.add_argument(
        "--epochs", type=positive, default=EPOCHS, metavar="N",
        help=f"of {carvana.RECIPE.pictures} pictures each, for every network (default {EPOCHS}, "
        "which suits two cores; a GPU has time for more)",
    )  # fmt: skip
    options = command.parse(parser, arguments)
    recipe = replace(carvana.RECIPE, epochs=options.epochs, small_until=1.0)
    if options.quick:
        small = replace(recipe.small, height=32, width=48)
        recipe = replace(recipe, epochs=1, pictures=8, small=small, widths=(4, 6))
    return options, recipe


def of_the_studio(short: carvana.Recipe) -> carvana.Recipe:
    """Return the short recipe with pictures of the studio alone, of the same size."""
    small = replace(STUDIO, height=short.small.height, width=short.small.width)
    return replace(short, small=small, photo=0.0)


def machine() -> Machine:
    """Return a GPU if there is one, else the CPU, in the number format that suits it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Machine(Processes(0, 1, device), choose_precision(device))


def train(
    recipe: carvana.Recipe,
    sources: Sources,
    held: Held,
    where: Machine,
    seed: int,
    folder: Path,
    make_network: Callable[[], nn.Module] | None = None,
) -> dict[str, Any]:
    """Train one network, or go on with it, or take the result that ``folder`` holds.

    Args:
        recipe: what to do.
        sources: to learn from.
        held: to measure.
        where: to compute.
        seed: of the initial weights and everything drawn.
        folder: of the run.
        make_network: another network than the recipe's.

    Returns:
        The run's record.
    """
    finished = folder / "record.json"
    if finished.exists() and (record := read_json(finished))["recipe"] == plain(recipe):
        return dict(record)
    torch.manual_seed(seed)  # the initial weights
    network = make_network() if make_network else None
    resume = (folder / CHECKPOINT).exists()
    return carvana.train(recipe, sources, held, folder, where, seed, resume, network=network)


def metrics_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that every table of these experiments has."""
    validation = record["metrics"]["validation"]
    return {
        "iou": validation["iou"],
        "boundary_iou": validation["boundary_iou"],
        "worst": validation["worst"],
        "street_iou": record["metrics"].get("validation_streets", {}).get("iou"),
        "threshold": record["threshold"],
        "seconds": record["wall_seconds"],
    }


def mean(rows: Sequence[Mapping[str, Any]], column: str, **where: Any) -> float:
    """Return the mean of a column over the rows that have the given values."""
    chosen = [row[column] for row in rows if all(row[k] == v for k, v in where.items())]
    return sum(chosen) / len(chosen)


def facts(options: argparse.Namespace, recipe: carvana.Recipe, held: Held) -> dict[str, Any]:
    """Return what these experiments add to their JSON."""
    return {
        "recipe": plain(recipe),
        "pictures": recipe.epochs * recipe.pictures,
        "measured_on": f"Carvana, {len(held.studio)} validation pictures of "
        f"{len({pair.car for pair in held.studio})} cars, and {len(held.streets)} street photos",
        "quick": options.quick,
    }
