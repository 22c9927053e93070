"""An experiment with short trainings on CIFAR-10: its command, its cells, its learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from training.data import cifar_images
from training.data.cifar_images import LabelledImages
from training.experiments.classification.quick_training import QuickRecipe, some, train
from training.experiments.rate_search import RateSearch, Trained
from training.experiments.searched_study import SearchedStudy

QUICK_TRAINING, QUICK_VALIDATION = 64, 40  # images of a rehearsal
Measure = Callable[[Mapping[str, Any], LabelledImages, LabelledImages], dict[str, Any]]


class QuickStudy(SearchedStudy):
    """One run of such an experiment.

    Attributes:
        everything: the 45,000 training images; a few of them with ``--quick``.
        validation: the 5,000 held-out images; a few of them with ``--quick``.
    """

    def __init__(
        self, name: str, question: str, arguments: Sequence[str] | None, search: RateSearch
    ) -> None:
        super().__init__(name, question, arguments, search, ("numpy", "torch"))
        self.everything = cifar_images.load(self.options.data_dir, "train")
        self.validation = cifar_images.load(self.options.data_dir, "validation")
        if self.options.quick:
            self.everything = self.everything[:QUICK_TRAINING]
            self.validation = self.validation[:QUICK_VALIDATION]

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

        return self.train_cells(variants, cell)

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `SearchedStudy.conclude`."""
        measured_on = f"CIFAR-10, {len(self.validation):,} validation images"
        return super().conclude(rows, finding, seeds, **more, measured_on=measured_on)
