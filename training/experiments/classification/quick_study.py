"""An experiment with short trainings on CIFAR-10: its command, its cells, its learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from training.data import cifar_images
from training.data.cifar_images import LabelledImages
from training.engine.compute import PRECISIONS, choose_precision
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.classification.quick_training import QuickRecipe, some, train
from training.experiments.rate_search import SAID, RateSearch, Trained, train_all, tried_rates

QUICK_TRAINING, QUICK_VALIDATION = 64, 40  # images of a rehearsal
Measure = Callable[[Mapping[str, Any], LabelledImages, LabelledImages], dict[str, Any]]


class QuickStudy(command.Study):
    """One run of such an experiment.

    Attributes:
        everything: the 45,000 training images; a few of them with ``--quick``.
        validation: the 5,000 held-out images; a few of them with ``--quick``.
        trained: by variant, once `train` has run.
    """

    def __init__(
        self, name: str, question: str, arguments: Sequence[str] | None, search: RateSearch
    ) -> None:
        parser = command.parser(question, f"runs/{name}")
        parser.add_argument(
            "--precision", choices=["auto", *PRECISIONS], default="auto",
            help="of the arithmetic; auto (default): what this CPU is fast in",
        )  # fmt: skip
        options = parser.parse_args(arguments)
        super().__init__(name, question, options, ("numpy", "torch"))
        self.precision = choose_precision(torch.device("cpu"), options.precision)
        self.everything = cifar_images.load(options.data_dir, "train")
        self.validation = cifar_images.load(options.data_dir, "validation")
        self.search = search
        if options.quick:
            self.everything = self.everything[:QUICK_TRAINING]
            self.validation = self.validation[:QUICK_VALIDATION]
            self.search = replace(search, rates=search.rates[:1], seeds=search.seeds[:1])
        self.grid = CellGrid(options.out)
        self.trained: list[Trained] = []

    def variant(self, images: int, **settings: Any) -> dict[str, Any]:
        """Return what decides a training, apart from learning rate and seed.

        Args:
            images: to learn from.
            settings: of `QuickRecipe`, and whatever else a measurement needs.
        """
        if self.options.quick:
            settings |= {"widths": [4, 4, 4], "epochs": min(2, settings["epochs"]), "batch": 16}
        recipe = QuickRecipe.of({"learning_rate": 0.0} | settings).plain()
        del recipe["learning_rate"]
        images = min(images, len(self.everything))
        return recipe | settings | {"images": images, "precision": self.precision}

    def train(
        self, variants: Sequence[Mapping[str, Any]], measure: Measure = train
    ) -> list[Trained]:
        """Train each variant at its own rate with every seed.

        Args:
            variants: as `variant` returns them.
            measure: gets a cell's key, its training images and the held-out ones.
        """

        def cell(key: Mapping[str, Any]) -> dict[str, Any]:
            return measure(key, some(self.everything, key["images"]), self.validation)

        self.trained = train_all(self.grid, variants, self.search, partial(cell))
        return self.trained

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `command.Study.conclude`. ``limits`` gets what all of these share."""
        limits = f"{more.pop('limits')}; {SAID}."
        return super().conclude(
            rows,
            finding,
            seeds,
            **more,
            limits=limits,
            tried=tried_rates(self.trained),
            measured_on=f"CIFAR-10, {len(self.validation):,} validation images",
            quick=self.options.quick,
            cell_commits=sorted(self.grid.commits),
        )
