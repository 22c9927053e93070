"""An experiment with short trainings of U-Nets under equal conditions, one difference at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from training.carvana import carvana_recipe
from training.carvana.carvana_settings import CarvanaRecipe
from training.data.cars.augment_cars import CarAugmentation
from training.data.cars.photometric_jitter import PhotometricJitter
from training.engine.checkpoint import CHECKPOINT
from training.engine.compute import ComputeConfig, choose_precision, keep_memory
from training.engine.distributed import Processes
from training.engine.json_files import read_json
from training.engine.options import positive
from training.engine.recipe_json import plain
from training.experiments import command
from training.metrics.mask_predictions import ValidationSet

# A tenth of the recipe's images, all of them small, so that two cores need minutes.
EPOCHS = 4
SEEDS = (0, 1)
# Held fast, so that the recorded commands still do what they did: what the shipped recipe learned
# later (phone photos, blocks that look around, averaged weights) is no part of these questions.
BASE = CarvanaRecipe(
    images=480, context=0, averaging=0.0, photo=0.0, low_res_fraction=1.0,
    low_res_augmentation=CarAugmentation(256, 384),
)  # fmt: skip
CONTEXT = 4  # blocks that look around, where an experiment has them
# The studio alone, at the camera's own pixels: see `CarAugmentation.unscaled`.
STUDIO = CarAugmentation(
    street=0.0, paste=0.0, zoom=(0.85, 1.2), stretch=0.05, unscaled=1.0,
    jitter=PhotometricJitter(
        blur=0.08, blur_radius=0.8, noise=0.15, noise_level=5.0, jpeg=0.2, jpeg_quality=50
    ),
)  # fmt: skip


class UnetStudy(command.Study):
    """One run of such an experiment.

    Attributes:
        recipe: the short one; an experiment trains variants of it.
        sources: to learn from.
        held: to measure.
        compute: a GPU if there is one, else the CPU, in the number format that suits it.
    """

    def __init__(
        self,
        name: str,
        question: str,
        arguments: Sequence[str] | None = None,
        studio_alone: bool = False,
    ) -> None:
        """Args:
        arguments: of the command line, instead of the process's own.
        studio_alone: learn from the studio's photos alone, and measure on them alone.
        """
        parser = command.parser(question, "runs/unet")
        parser.add_argument(
            "--epochs", type=positive, default=EPOCHS, metavar="N",
            help=f"of {BASE.images} images each, for every network (default {EPOCHS}, which "
            "suits two cores; a GPU has time for more)",
        )  # fmt: skip
        options = parser.parse_args(arguments)
        super().__init__(name, question, options, carvana_recipe.PACKAGES)
        self.recipe = short_recipe(options.epochs, options.quick)
        self.sources, self.held = carvana_recipe.read_sources(options.data_dir)
        if studio_alone:
            self.recipe = of_the_studio(self.recipe)
            self.held = ValidationSet(self.held.studio)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        keep_memory()
        self.compute = ComputeConfig(Processes(0, 1, device), choose_precision(device))

    def train(
        self,
        recipe: CarvanaRecipe,
        seed: int,
        folder: str,
        make_network: Callable[[], nn.Module] | None = None,
    ) -> dict[str, Any]:
        """Train one network, or go on with it, or take the result that its folder holds.

        Args:
            recipe: what to do.
            seed: of the initial weights and everything drawn.
            folder: of the run, in ``--out``.
            make_network: another network than the recipe's.

        Returns:
            The run's record.
        """
        out = self.options.out / folder
        finished = out / "record.json"
        if finished.exists() and (record := read_json(finished))["recipe"] == plain(recipe):
            return dict(record)
        torch.manual_seed(seed)  # the initial weights
        network = make_network() if make_network else None
        resume = (out / CHECKPOINT).exists()
        return carvana_recipe.train(
            recipe, self.sources, self.held, out, self.compute, seed, resume, network=network
        )

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `command.Study.conclude`."""
        cars, photos = {pair.car for pair in self.held.studio}, len(self.held.studio)
        return super().conclude(
            rows,
            finding,
            seeds,
            **more,
            recipe=plain(self.recipe),
            images=self.recipe.epochs * self.recipe.images,
            measured_on=f"Carvana, {photos} validation images of {len(cars)} cars, and "
            f"{len(self.held.streets)} street photos",
            quick=self.options.quick,
        )


def short_recipe(epochs: int, quick: bool = False) -> CarvanaRecipe:
    """Return the recipe with small images alone, for a few epochs; tiny for a rehearsal."""
    recipe = replace(BASE, epochs=epochs)
    return replace(tiny(recipe), widths=(4, 6)) if quick else recipe


def tiny(recipe: CarvanaRecipe) -> CarvanaRecipe:
    """Return a recipe for a rehearsal: one step of small images."""
    small, large = (
        replace(augmentation, height=32, width=48)
        for augmentation in (recipe.low_res_augmentation, recipe.augmentation)
    )
    return replace(
        recipe, epochs=1, images=8, low_res_augmentation=small, augmentation=large, square=0
    )


def of_the_studio(short: CarvanaRecipe) -> CarvanaRecipe:
    """Return the short recipe with images of the studio alone, of the same size."""
    low_res_augmentation = replace(
        STUDIO, height=short.low_res_augmentation.height, width=short.low_res_augmentation.width
    )
    return replace(short, low_res_augmentation=low_res_augmentation)


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
