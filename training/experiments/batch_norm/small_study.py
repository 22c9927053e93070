"""An experiment with the small network: its trainings are the cells of a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from training.data import cifar_images
from training.data.cifar_images import LabelledImages
from training.engine.options import positive
from training.experiments import command
from training.experiments.batch_norm.small_network import Design, SmallNet, train_pflop, units
from training.experiments.batch_norm.small_training import SmallRecipe, train
from training.experiments.cells import CellGrid

QUICK_TRAINING, QUICK_VALIDATION = 128, 64  # images of a rehearsal
QUICK_WIDTHS = (8, 8, 8)

Key = dict[str, Any]  # everything that decides the result of a training, as JSON
Measure = Callable[[Mapping[str, Any], LabelledImages, LabelledImages], dict[str, Any]]


def train_cell(
    key: Mapping[str, Any], training: LabelledImages, validation: LabelledImages
) -> dict[str, Any]:
    """Train what a key describes and return its result."""
    design, recipe = read_key(key)
    return train(design, recipe, training, validation, key["seed"])[1]


class SmallStudy(command.Study):
    """One run of such an experiment.

    Attributes:
        epochs: of each training.
        training, validation: images; a few of them with ``--quick``.
        grid: keeps the finished trainings.
        keys, results: of the trainings, once `measure` has made them.
    """

    def __init__(
        self,
        name: str,
        question: str,
        arguments: Sequence[str] | None = None,
        epochs: int = SmallRecipe.epochs,
    ) -> None:
        """Args:
        arguments: of the command line, instead of the process's own.
        epochs: of each training, unless the command line gives another number.
        """
        parser = command.parser(question, "runs/batch_norm")
        parser.add_argument(
            "--epochs", type=positive, default=epochs, metavar="N", help=f"default {epochs}"
        )
        options = parser.parse_args(arguments)
        super().__init__(name, question, options, ("numpy", "torch"))
        self.epochs = 1 if options.quick else options.epochs
        self.training = cifar_images.load(options.data_dir, "train")
        self.validation = cifar_images.load(options.data_dir, "validation")
        if options.quick:
            self.training = self.training[:QUICK_TRAINING]
            self.validation = self.validation[:QUICK_VALIDATION]
        self.grid = CellGrid(options.out)
        self.keys: list[Key] = []
        self.results: list[dict[str, Any]] = []

    def key(
        self, design: Design, learning_rate: float, seed: int, batch: int = SmallRecipe.batch
    ) -> Key:
        """Return what decides the result of a training: the same for all experiments."""
        if self.options.quick:
            design = replace(design, widths=QUICK_WIDTHS)
        return {
            "design": design.plain(),
            "recipe": asdict(SmallRecipe(learning_rate, self.epochs, batch)),
            "seed": seed,
            "images": len(self.training),
        }

    def measure(self, keys: Sequence[Key], measure: Measure | None = None) -> list[dict[str, Any]]:
        """Train what the keys describe, unless it is kept already; return the results.

        Args:
            keys: as `key` returns them, perhaps with more entries.
            measure: what to do instead of training alone.
        """
        measure = measure or train_cell

        def make(key: Mapping[str, Any]) -> dict[str, Any]:
            return measure(key, self.training, self.validation)

        self.keys, self.results = list(keys), self.grid.all(keys, make)
        return self.results

    def curves(self) -> list[dict[str, Any]]:
        """Return what names each training, and its curves."""
        return [
            {
                "norm": key["design"]["norm"],
                "learning_rate": key["recipe"]["learning_rate"],
                "seed": key["seed"],
                "diverged": result["diverged"],
                "training": result["curve"],
                "validation": result["epochs"],
            }
            for key, result in zip(self.keys, self.results, strict=True)
        ]

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `command.Study.conclude`.

        Args:
            rows, finding, seeds: as there.
            more: further keys. ``network`` describes the first training's, unless it is given.
        """
        network = more.pop("network", None) or network_facts(self.keys[0])
        return super().conclude(
            rows,
            finding,
            seeds,
            **more,
            network=network,
            measured_on=f"CIFAR-10, {len(self.validation):,} validation images",
            quick=self.options.quick,
            cell_commits=sorted(self.grid.commits),
        )


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
