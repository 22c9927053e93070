"""An experiment with short trainings on the studio's cars: its data, its cells, its rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from training.data import carvana_photos
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes
from training.experiments.rate_search import RateSearch, Trained
from training.experiments.searched_study import SearchedStudy
from training.experiments.segmentation.small_cars import StudioRecipe


class SmallCarStudy(SearchedStudy):
    """One run of such an experiment.

    Attributes:
        photos: of the studio, to learn from.
        held_out: of other cars; a few of them with ``--quick``.
        compute: on the CPU, in the number format that it is fast in.
    """

    def __init__(
        self, name: str, question: str, arguments: Sequence[str] | None, search: RateSearch
    ) -> None:
        super().__init__(name, question, arguments, search, ("numpy", "pillow", "torch"))
        self.compute = ComputeConfig(Processes(0, 1, torch.device("cpu")), self.precision)
        self.photos = carvana_photos.load(self.options.data_dir, "train")
        self.held_out = carvana_photos.load(self.options.data_dir, "validation")
        if self.options.quick:
            self.held_out = self.held_out[:2]

    def variant(self, **settings: Any) -> dict[str, Any]:
        """Return what decides a training, apart from learning rate and seed; see `StudioRecipe`."""
        if self.options.quick:
            settings |= {"widths": [4, 6, 8, 8], "resolution": 48, "images": 8, "batch": 4}
        recipe = StudioRecipe.of({"learning_rate": 0.0} | settings).plain()
        del recipe["learning_rate"]
        return recipe | settings | {"precision": self.compute.precision}

    def train(
        self,
        variants: Sequence[Mapping[str, Any]],
        measure: Callable[[SmallCarStudy, Mapping[str, Any]], dict[str, Any]],
    ) -> list[Trained]:
        """Measure each variant at its own rate with every seed.

        Args:
            variants: as `variant` returns them.
            measure: trains what a cell's key describes and returns its result.
        """
        return self.train_cells(variants, partial(measure, self))

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `SearchedStudy.conclude`."""
        cars = {pair.car for pair in self.held_out}
        limits = (
            f"{more.pop('limits')}; small U-Nets and a short training; {len(cars)} cars of one "
            "studio to measure on, where the threshold is ½"
        )
        measured_on = f"Carvana, {len(self.held_out)} validation images of {len(cars)} cars"
        return super().conclude(
            rows, finding, seeds, **more, limits=limits, measured_on=measured_on
        )
