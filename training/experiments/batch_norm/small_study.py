"""An experiment with the small network: its trainings are the cells of a grid."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from training.data import cifar_images
from training.data.cifar_images import LabelledImages
from training.engine.compute import keep_memory
from training.engine.options import positive
from training.experiments import command
from training.experiments.batch_norm.other_networks import built
from training.experiments.batch_norm.small_network import Design, train_pflop
from training.experiments.batch_norm.small_training import SmallRecipe, train
from training.experiments.cells import CellGrid

QUICK_TRAINING, QUICK_VALIDATION = 128, 64  # images of a rehearsal
QUICK_WIDTHS = (8, 8, 8)
IMAGES = 22_500  # half of the training images: every training twice as fast, for more seeds
EPOCHS = 12
LEARNING_RATES = (0.05, 0.1, 0.2, 0.4, 0.8)
SHORT = 0.25  # of the epochs: a search's first round
SEARCH_SEED = 100  # and up; no seed of a final training
FURTHER = 2  # learning rates beyond either end of the ladder, if the best one lies there

PATCH_SAMPLES = 2  # images; what the whitening layer holds is no matter here
DESCRIPTIONS = {
    "small": "A small PyTorch network for CIFAR-10: fixed 2 × 2 whitening, 6 3 × 3 convolutions in "
    "three stages (9 if residual), one linear layer "
    "(training.experiments.batch_norm.small_network).",
    "dense": "Three hidden layers of 512 (training.experiments.batch_norm.other_networks).",
    "deep": "20 layers behind a fixed 2 × 2 whitening, as He et al. 2016, section 4.2 "
    "(training.experiments.batch_norm.other_networks).",
}

Key = dict[str, Any]  # everything that decides the result of a training, as JSON
Measure = Callable[[Mapping[str, Any], LabelledImages, LabelledImages], dict[str, Any]]


def train_cell(
    key: Mapping[str, Any], training: LabelledImages, validation: LabelledImages
) -> dict[str, Any]:
    """Train what a key describes and return its result."""
    design, recipe = read_key(key)
    return train(design, recipe, training, validation, key["seed"])[1]


@dataclass(frozen=True)
class Cell:
    """One training: of the search for a learning rate, or a final one.

    Attributes:
        stage: ``"search"`` or ``"final"``.
        key: what decided it.
        result: what came out.
    """

    stage: str
    key: Key
    result: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """Return what every experiment's table says about a training."""
        recipe = self.key["recipe"]
        return {
            "stage": self.stage,
            "learning_rate": recipe["learning_rate"],
            "epochs": recipe["epochs"],
            "seed": self.key["seed"],
            "accuracy": self.result["accuracy"],
            "diverged": self.result["diverged"],
            "seconds": self.result["seconds"],
        }


class SmallStudy(command.Study):
    """One run of such an experiment.

    Attributes:
        epochs: of each training.
        training, validation: images; a few of them with ``--quick``.
        seeds: of the final trainings.
        bfloat16: whether trainings multiply in bfloat16.
        grid: keeps the finished trainings.
        cells: the trainings that `measure` has made so far.
    """

    def __init__(
        self,
        name: str,
        question: str,
        arguments: Sequence[str] | None = None,
        epochs: int = EPOCHS,
        seeds: int = 5,
        images: int = IMAGES,
        bfloat16: bool = True,
    ) -> None:
        """Args:
        arguments: of the command line, instead of the process's own.
        epochs: of each training, unless the command line gives another number.
        seeds: of each variant's final trainings, unless the command line gives another number.
        images: to learn from, of all training images the first.
        bfloat16: of `SmallRecipe`.
        """
        parser = command.parser(question, "runs/batch_norm")
        parser.add_argument(
            "--epochs", type=positive, default=epochs, metavar="N", help=f"default {epochs}"
        )
        parser.add_argument(
            "--seeds", type=positive, default=seeds, metavar="N",
            help=f"final trainings of each variant (default {seeds})",
        )  # fmt: skip
        options = parser.parse_args(arguments)
        super().__init__(name, question, options, ("numpy", "torch"))
        keep_memory()
        self.epochs = 1 if options.quick else options.epochs
        self.seeds = tuple(range(2 if options.quick else options.seeds))
        self.bfloat16 = bfloat16
        self.training = cifar_images.load(options.data_dir, "train")[:images]
        self.validation = cifar_images.load(options.data_dir, "validation")
        if options.quick:
            self.training = self.training[:QUICK_TRAINING]
            self.validation = self.validation[:QUICK_VALIDATION]
        self.grid = CellGrid(options.out)
        self.cells: list[Cell] = []

    def key(
        self,
        design: Design,
        learning_rate: float,
        seed: int,
        batch: int = SmallRecipe.batch,
        epochs: int | None = None,
    ) -> Key:
        """Return what decides the result of a training: the same for all experiments."""
        if self.options.quick:
            design = replace(design, widths=QUICK_WIDTHS)
        recipe = SmallRecipe(learning_rate, epochs or self.epochs, batch, bfloat16=self.bfloat16)
        return {
            "design": design.plain(),
            "recipe": asdict(recipe),
            "seed": seed,
            "images": len(self.training),
        }

    def measure(
        self, keys: Sequence[Key], stage: str = "final", measure: Measure | None = None
    ) -> list[dict[str, Any]]:
        """Train what the keys describe, unless it is kept already; return the results.

        Args:
            keys: as `key` returns them, perhaps with more entries.
            stage: ``"search"`` for a learning rate, or ``"final"``.
            measure: what to do instead of training alone.
        """
        measure = measure or train_cell

        def make(key: Mapping[str, Any]) -> dict[str, Any]:
            return measure(key, self.training, self.validation)

        results = self.grid.all(keys, make)
        self.cells += [Cell(stage, key, result) for key, result in zip(keys, results, strict=True)]
        return results

    def search(
        self,
        design: Design,
        ladder: Sequence[float] = LEARNING_RATES,
        seeds: int = 1,
        batch: int = SmallRecipe.batch,
    ) -> float:
        """Find a design's learning rate: the same search for all that an experiment compares.

        Every rate of the ladder at a quarter of the epochs; where the best one is an end of the
        ladder, the ladder grows (twice at most). The two best then to the end, by one seed.

        Args:
            design: what is trained.
            ladder: at least two learning rates, ascending, each twice the one before.
            seeds: of the first round.
            batch: images a step.
        """
        short, further = max(1, round(SHORT * self.epochs)), FURTHER
        if self.options.quick:
            ladder, seeds, further = ladder[:2], 1, 0

        def score(rate: float, number: int, epochs: int) -> float:
            keys = [
                self.key(design, rate, SEARCH_SEED + seed, batch, epochs) for seed in range(number)
            ]
            return statistics.fmean(r["accuracy"] for r in self.measure(keys, "search"))

        first = {rate: score(rate, seeds, short) for rate in ladder}
        for _ in range(further):
            best = max(first, key=first.__getitem__)
            if best not in (min(first), max(first)):
                break
            beyond = best / 2 if best == min(first) else best * 2
            first[beyond] = score(beyond, seeds, short)
        near = sorted(first, key=first.__getitem__)[-2:]
        return max(near, key=lambda rate: score(rate, 1, self.epochs))

    def compare(
        self, designs: Mapping[str, Design], rates: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Train each design with every seed; return a row for each training so far.

        Args:
            designs: by the names that stand in the rows as ``variant``.
            rates: their learning rates, by the same names.
        """
        for seed in self.seeds:
            self.measure([self.key(design, rates[name], seed) for name, design in designs.items()])
        return [{"variant": self._name_of(cell, designs)} | cell.row() for cell in self.cells]

    def _name_of(self, cell: Cell, designs: Mapping[str, Design]) -> str:
        """Return under which name a cell's design was compared."""
        return next(
            name
            for name, design in designs.items()
            if self.key(design, 0.0, 0)["design"] == cell.key["design"]
        )

    def curves(self) -> list[dict[str, Any]]:
        """Return what names each final training, and its curves."""
        return [
            {
                "norm": cell.key["design"]["norm"],
                "learning_rate": cell.key["recipe"]["learning_rate"],
                "seed": cell.key["seed"],
                "diverged": cell.result["diverged"],
                "training": cell.result["curve"],
                "validation": cell.result["epochs"],
            }
            for cell in self.cells
            if cell.stage == "final"
        ]

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `command.Study.conclude`.

        Args:
            rows, finding, seeds: as there.
            more: further keys. ``network`` describes the first training's, unless it is given.
        """
        network = more.pop("network", None) or network_facts(self.cells[0].key)
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
    network = built(design, 0, torch.zeros(PATCH_SAMPLES, 3, 32, 32))
    return {
        "description": DESCRIPTIONS[design.kind],
        "design": design.plain(),
        "recipe": asdict(recipe),
        "images": key["images"],
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "train_pflop": round(train_pflop(network, key["images"] * recipe.epochs), 5),
    }
