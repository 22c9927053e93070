"""An experiment as a grid of cells: each is measured once, kept in a file, and never again."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.data import cifar_images
from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.engine.options import positive
from training.engine.provenance import git_commit
from training.experiments import command
from training.experiments.batch_norm.small_network import Design, SmallNet, train_pflop, units
from training.experiments.batch_norm.small_training import SmallRecipe, train

QUICK_TRAINING, QUICK_VALIDATION = 128, 64  # images of a rehearsal
QUICK_WIDTHS = (8, 8, 8)


@dataclass
class CellGrid:
    """The cells of one run of an experiment.

    A kill at any moment loses the cell in work and nothing else: the same command goes on with the
    next one. Experiments that name the same folder share their cells.

    Attributes:
        folder: holds one JSON file a cell.
        commits: of the code that measured the cells used so far.
    """

    folder: Path
    commits: set[str] = field(default_factory=set)

    def cell(self, key: Mapping[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the result for a key, measuring it only if no file holds it.

        Args:
            key: everything that decides the result, as JSON.
            measure: returns the result, as JSON.
        """
        text = json.dumps(key, sort_keys=True)
        path = self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        if not path.exists():
            result = measure()
            write_json(path, {"key": key, "git_commit": git_commit(), "result": result})
        try:
            content = read_json(path)
            self.commits.add(str(content["git_commit"]))
            return content["result"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"{path} cannot be read ({error}); delete it to measure it again."
            ) from None

    def all(
        self,
        keys: Sequence[Mapping[str, Any]],
        measure: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """Return the results for several keys, with a progress bar."""
        return [self.cell(key, partial(measure, key)) for key in tqdm(keys, unit="cell")]


def parse(
    question: str, arguments: Sequence[str] | None = None, epochs: int = SmallRecipe.epochs
) -> argparse.Namespace:
    """Read the command line that all these experiments have.

    Args:
        question: what the experiment asks, for ``--help``.
        arguments: instead of those of the process.
        epochs: of each training, unless the command line gives another number.
    """
    parser = command.parser(question, "runs/batch_norm")
    parser.add_argument(
        "--epochs", type=positive, default=epochs, metavar="N", help=f"default {epochs}"
    )
    options = command.parse(parser, arguments)
    if options.quick:
        options.epochs = 1
    return options


def images(
    options: argparse.Namespace,
) -> tuple[cifar_images.LabelledImages, cifar_images.LabelledImages]:
    """Return training and validation images; a few of them with ``--quick``."""
    training = cifar_images.load(options.data_dir, "train")
    validation = cifar_images.load(options.data_dir, "validation")
    if options.quick:
        return training[:QUICK_TRAINING], validation[:QUICK_VALIDATION]
    return training, validation


def recipe(options: argparse.Namespace, learning_rate: float) -> SmallRecipe:
    """Return the recipe that the command line asks for."""
    return SmallRecipe(learning_rate, options.epochs)


def cell_key(
    options: argparse.Namespace, design: Design, recipe: SmallRecipe, seed: int, images: int
) -> dict[str, Any]:
    """Return what decides the result of a training: the same for all experiments."""
    if options.quick:
        design = replace(design, widths=QUICK_WIDTHS)
    return {
        "design": design.plain(),
        "recipe": asdict(recipe),
        "seed": seed,
        "images": images,
    }


def train_cell(
    key: Mapping[str, Any],
    training: cifar_images.LabelledImages,
    validation: cifar_images.LabelledImages,
) -> dict[str, Any]:
    """Train what a key describes and return its result."""
    design, recipe = read_key(key)
    return train(design, recipe, training, validation, key["seed"])[1]


def read_key(key: Mapping[str, Any]) -> tuple[Design, SmallRecipe]:
    """Return the design and the recipe that a key describes."""
    design = key["design"] | {"widths": tuple(key["design"]["widths"])}
    return Design(**design), SmallRecipe(**key["recipe"])


def network_facts(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an experiment's JSON says about the network behind one of its cells."""
    design, recipe = read_key(key)
    network = SmallNet(design)
    return {
        "description": "A small PyTorch network for CIFAR-10: fixed 2 × 2 whitening, "
        f"{len(units(network))} 3 × 3 convolutions in three stages, one linear layer "
        "(training.experiments.batch_norm.small_network).",
        "design": design.plain(),
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "train_pflop": round(train_pflop(network, key["images"] * recipe.epochs), 5),
    }


def facts(
    options: argparse.Namespace,
    grid: CellGrid,
    key: Mapping[str, Any],
    validation: cifar_images.LabelledImages,
) -> dict[str, Any]:
    """Return what every one of these experiments adds to its JSON.

    Args:
        options: the command line.
        grid: after its cells were used.
        key: of the cell whose network stands for all.
        validation: the images that accuracies are measured on.
    """
    return {
        "network": network_facts(key),
        "measured_on": f"CIFAR-10, {len(validation):,} validation images",
        "quick": options.quick,
        "cell_commits": sorted(grid.commits),
    }


def run_facts(key: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a training, and its curves."""
    return {
        "norm": key["design"]["norm"],
        "learning_rate": key["recipe"]["learning_rate"],
        "seed": key["seed"],
        "diverged": result["diverged"],
        "training": result["curve"],
        "validation": result["epochs"],
    }
