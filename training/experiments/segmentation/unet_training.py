"""Short trainings of U-Nets under equal conditions, for comparisons of one thing at a time."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.carvana import carvana_recipe
from training.carvana.carvana_record import plain
from training.data.augment_cars import TrainingSources
from training.engine.compute import ComputeConfig, choose_precision
from training.engine.distributed import Processes
from training.engine.json_files import read_json
from training.engine.options import CHECKPOINT, positive
from training.experiments import command
from training.metrics.mask_predictions import ValidationSet

# A tenth of the recipe's images, all of them small, so that two cores need minutes.
EPOCHS = 4
SEEDS = (0, 1)
# The studio alone, at the camera's own pixels: see `CarAugmentation.unscaled`.
STUDIO = replace(carvana_recipe.SHARP, unscaled=1.0, paste=0.0, street=0.0)


def parse(
    question: str, arguments: Sequence[str] | None = None
) -> tuple[argparse.Namespace, carvana_recipe.CarvanaRecipe]:
    """Read the command line that these experiments share; return it and the short recipe."""
    parser = command.parser(question, "runs/unet")
    parser.add_argument(
        "--epochs", type=positive, default=EPOCHS, metavar="N",
        help=f"of {carvana_recipe.RECIPE.images} images each, for every network (default {EPOCHS}, "
        "which suits two cores; a GPU has time for more)",
    )  # fmt: skip
    options = command.parse(parser, arguments)
    recipe = replace(carvana_recipe.RECIPE, epochs=options.epochs, low_res_fraction=1.0)
    if options.quick:
        low_res_augmentation = replace(recipe.low_res_augmentation, height=32, width=48)
        recipe = replace(
            recipe, epochs=1, images=8, low_res_augmentation=low_res_augmentation, widths=(4, 6)
        )
    return options, recipe


def of_the_studio(short: carvana_recipe.CarvanaRecipe) -> carvana_recipe.CarvanaRecipe:
    """Return the short recipe with images of the studio alone, of the same size."""
    low_res_augmentation = replace(
        STUDIO, height=short.low_res_augmentation.height, width=short.low_res_augmentation.width
    )
    return replace(short, low_res_augmentation=low_res_augmentation)


def compute() -> ComputeConfig:
    """Return a GPU if there is one, else the CPU, in the number format that suits it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return ComputeConfig(Processes(0, 1, device), choose_precision(device))


def train(
    recipe: carvana_recipe.CarvanaRecipe,
    sources: TrainingSources,
    held: ValidationSet,
    where: ComputeConfig,
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
    return carvana_recipe.train(recipe, sources, held, folder, where, seed, resume, network=network)


def metrics_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that every table of these experiments has."""
    validation = record["metrics"]["validation"]
    return {
        "iou": validation["iou"],
        "boundary_iou": validation["boundary_iou"],
        "worst": validation["worst"],
        "street_iou": record["metrics"].get("validation_streets", {}).get("iou"),
        "threshold": record["threshold"],
        "seconds": record["train_seconds"],
    }


def mean(rows: Sequence[Mapping[str, Any]], column: str, **where: Any) -> float:
    """Return the mean of a column over the rows that have the given values."""
    chosen = [row[column] for row in rows if all(row[k] == v for k, v in where.items())]
    return sum(chosen) / len(chosen)


def facts(
    options: argparse.Namespace, recipe: carvana_recipe.CarvanaRecipe, held: ValidationSet
) -> dict[str, Any]:
    """Return what these experiments add to their JSON."""
    return {
        "recipe": plain(recipe),
        "images": recipe.epochs * recipe.images,
        "measured_on": f"Carvana, {len(held.studio)} validation images of "
        f"{len({pair.car for pair in held.studio})} cars, and {len(held.streets)} street photos",
        "quick": options.quick,
    }
