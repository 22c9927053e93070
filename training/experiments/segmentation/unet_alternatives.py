"""Is a U-Net the right shape for cutting out cars?

    python -m training.experiments.segmentation.unet_alternatives --data-dir DIR

FCN, LinkNet, FPN, DeepLabV3+ and the U-Net with and without skip connections: each about as large,
on the same encoder, trained by the shipped recipe in a shorter schedule, the same for all, on the
same images in the same order. Each network's learning rate is chosen first, by one short training a
rate, on the validation images. Every training is a cell: what is finished is kept, and the same
command goes on. The trained networks stay in ``--out`` as model folders; ``--export`` ships the
best seed of each but the U-Net.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from training.carvana import carvana_recipe
from training.carvana.carvana_settings import FAMILY, PRESETS, RECIPE, CarvanaRecipe
from training.data.carvana_photos import HEIGHT, WIDTH
from training.engine.compute import ComputeConfig, choose_precision, keep_memory
from training.engine.distributed import Processes
from training.engine.failures import run_command
from training.engine.model_folder import export
from training.engine.options import positive
from training.engine.recipe_json import plain
from training.evaluate import record_test
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.interval_text import percent
from training.experiments.segmentation.unet_study import mean, tiny
from training.publish.half_precision import in_half
from zoo.bench import take_turns
from zoo.graph.folding import fold

NAME = "unet_alternatives"
QUESTION = "Is a U-Net the right shape for cutting out cars?"
SEEDS = (0, 1, 2)
FACTORS = (0.5, 1.0, 2.0)  # of the recipe's learning rates, among which each network chooses
EPOCHS = 2  # of RECIPE.images each, for every network and seed
SEARCH_EPOCHS = 0.5  # of the trainings that choose the learning rate
SEARCH_SEED = 100  # none of SEEDS
SHIPPED = PRESETS["two-parts"]
ROUNDS = 15


class FamilyStudy(command.Study):
    """One run of this experiment.

    Attributes:
        sources, held: to learn from, and to measure.
        compute: how.
        grid: keeps the finished trainings.
    """

    def __init__(self, arguments: Sequence[str] | None) -> None:
        parser = command.parser(QUESTION, "runs/unet_alternatives")
        parser.add_argument(
            "--epochs", type=positive, default=EPOCHS, metavar="N",
            help=f"of {RECIPE.images} images each, for every network (default {EPOCHS})",
        )  # fmt: skip
        parser.add_argument(
            "--networks", nargs="+", choices=list(FAMILY), metavar="NAME",
            help=f"train these alone and write no JSON, beside another process that trains others; "
            f"of {', '.join(FAMILY)}",
        )  # fmt: skip
        parser.add_argument(
            "--export", action="store_true",
            help="put the best seed of each network but the U-Net into zoo/bundle",
        )  # fmt: skip
        options = parser.parse_args(arguments)
        super().__init__(NAME, QUESTION, options, carvana_recipe.PACKAGES)
        self.sources, self.held = carvana_recipe.read_sources(options.data_dir)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        keep_memory()
        self.compute = ComputeConfig(Processes(0, 1, device), choose_precision(device))
        self.grid = CellGrid(options.out / "cells")
        self.seeds = SEEDS[:1] if options.quick else SEEDS

    def recipe(self, architecture: str, factor: float, epochs: float) -> CarvanaRecipe:
        """Return the shipped recipe for a network of the family, shorter, at a learning rate."""
        whole = max(1, round(epochs))
        recipe = replace(
            RECIPE,
            architecture=architecture,
            epochs=whole,
            images=round(RECIPE.images * epochs / whole),
            peak_learning_rate=factor * RECIPE.peak_learning_rate,
            muon_lr=factor * RECIPE.muon_lr,
            averaging=0.99,  # a shorter run, a shorter memory
        )
        return tiny(recipe) if self.options.quick else recipe

    def folder(self, architecture: str, factor: float, epochs: float, seed: int) -> Path:
        """Return where a training's network lies."""
        return self.options.out / f"{architecture}-{factor:g}-{epochs:g}-epochs-seed-{seed}"

    def train(self, architecture: str, factor: float, epochs: float, seed: int) -> dict[str, Any]:
        """Return the columns about one training, and its curve; it is done once."""
        recipe = self.recipe(architecture, factor, epochs)
        key = {"recipe": plain(recipe), "seed": seed, "photos": carvana_recipe.count(self.sources)}
        folder = self.folder(architecture, factor, epochs, seed)

        def run() -> dict[str, Any]:
            record = carvana_recipe.train(
                recipe, self.sources, self.held, folder, self.compute, seed, resume=True,
            )  # fmt: skip
            return {"columns": columns(record), "curve": curve(record)}

        return self.grid.cell(key, run)

    def choose_factor(self, architecture: str) -> float:
        """Return the factor of the learning rates with the best validation IoU."""
        epochs = min(SEARCH_EPOCHS, self.options.epochs)
        found = {
            factor: self.train(architecture, factor, epochs, SEARCH_SEED)["columns"]["iou"]
            for factor in (FACTORS[1:2] if self.options.quick else FACTORS)
        }
        return max(found, key=lambda factor: found[factor])

    def trained(self, architecture: str) -> tuple[float, dict[int, dict[str, Any]]]:
        """Return the chosen factor, and what `train` returns for each seed."""
        factor = self.choose_factor(architecture)
        epochs = self.options.epochs
        return factor, {seed: self.train(architecture, factor, epochs, seed) for seed in self.seeds}

    def ship(self, architecture: str) -> None:
        """Put the best seed of a network into the zoo."""
        factor, trained = self.trained(architecture)
        best = max(trained, key=lambda seed: trained[seed]["columns"]["iou"])
        folder = self.folder(architecture, factor, self.options.epochs, best)
        folder = in_half(folder, self.options.data_dir)
        record_test(folder, self.options.data_dir)
        print(f"exported to {export(folder)}")


def columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table tells of a finished run."""
    metrics = record["metrics"]
    phone = metrics.get("validation_phone", {})
    return {
        "iou": metrics["validation"]["iou"],
        "boundary_iou": metrics["validation"]["boundary_iou"],
        "worst": metrics["validation"]["worst"],
        "street_iou": metrics.get("validation_streets", {}).get("iou"),
        "phone_good": phone.get("good"),
        "phone_fair": phone.get("fair"),
        "parameters": record["parameters"],
        "seconds": record["train_seconds"],
        "precision": record["compute"]["precision"],
        "git_commit": record["git_commit"],
    }


def curve(record: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return after each epoch how long the training took so far, and the validation IoU."""
    history = record["history"]
    seconds = np.cumsum([row["seconds"] for row in history])
    return {
        "seconds": [round(float(value), 1) for value in seconds],
        "iou": [row["validation"]["iou"] for row in history],
    }


def multiply_adds(network: nn.Module, height: int = HEIGHT, width: int = WIDTH) -> float:
    """Return the multiply-adds of one image, in thousand millions."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 3, height, width))
    return float(counter.get_total_flops()) / 2e9


def milliseconds(networks: Mapping[str, nn.Module], rounds: int) -> dict[str, float]:
    """Time networks in turns, folded, channels last, an image at a time; medians."""
    image = torch.randn(1, 3, HEIGHT, WIDTH).to(memory_format=torch.channels_last)
    example = torch.randn(1, 3, 64, 96).numpy()

    def call(network: nn.Module) -> None:
        with torch.inference_mode():
            network(image)

    cases = {
        name: partial(
            call, fold(network.eval(), example).network.to(memory_format=torch.channels_last)
        )
        for name, network in networks.items()
    }
    return {name: 1000 * seconds for name, (seconds, _) in take_turns(cases, rounds).items()}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows; less than the spread of the seeds is a tie."""
    names = list(dict.fromkeys(row["network"] for row in rows))
    means = {name: mean(rows, "iou", network=name) for name in names}
    spread = max(
        float(np.ptp([row["iou"] for row in rows if row["network"] == name])) for name in names
    )
    ordered = sorted(names, key=lambda name: -means[name])
    told = ", ".join(f"{name} {percent(means[name], 2)}" for name in ordered)
    ties = [name for name in ordered[1:] if means[ordered[0]] - means[name] <= spread]
    about = f"{100 * spread:.2f} points"
    tied = f"; within the spread of the seeds ({about}): {', '.join(ties)}" if ties else ""
    fastest = min(rows, key=lambda row: row["milliseconds"])["network"]
    seeds = len({row["seed"] for row in rows})
    return (
        f"Validation IoU after the same images, mean of {seeds} seed{'s' if seeds > 1 else ''}: "
        f"{told}{tied}. The fastest is {fastest}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = FamilyStudy(arguments)
    if study.options.networks:
        for name in study.options.networks:
            study.trained(name)
        return 0
    rounds = 2 if study.options.quick else ROUNDS
    networks = {name: study.recipe(name, 1.0, 1).make_network() for name in FAMILY}
    timed = milliseconds(networks, rounds)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for name, network in networks.items():
        factor, trained = study.trained(name)
        for seed, found in trained.items():
            curves.append({"network": name, "seed": seed} | found["curve"])
            rows.append(
                {
                    "network": name,
                    "seed": seed,
                    "learning_rate": factor * RECIPE.peak_learning_rate,
                    "multiply_adds": multiply_adds(network),
                    "milliseconds": timed[name],
                }
                | found["columns"]
            )
    photos, images = len(study.held.studio), study.options.epochs * RECIPE.images
    whole = SHIPPED.epochs * SHIPPED.images
    done = study.conclude(
        rows,
        finding(rows),
        study.seeds,
        images=images,
        limits=f"a recipe that was made for the U-Net, and {images:,} images, where the shipped "
        f"network learned from {whole:,}: with more the order may change; {photos} images of one "
        "studio to measure on",
        factors=list(FACTORS),
        curves=curves,
        measured_on=f"Carvana, {photos} validation images of "
        f"{len({p.car for p in study.held.studio})} cars, {len(study.held.streets)} street photos "
        f"and {len(study.held.photos)} phone photos",
        quick=study.options.quick,
    )
    if study.options.export:
        for name in FAMILY:
            if name != "unet":
                study.ship(name)
    return done


if __name__ == "__main__":
    run_command(main, command.GO_ON)
