"""An experiment with short trainings, of which each variant gets its own learning rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from training.engine.compute import PRECISIONS, choose_precision, keep_memory
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.rate_search import SAID, RateSearch, Trained, train_all, tried_rates


class SearchedStudy(command.Study):
    """One run of such an experiment.

    Attributes:
        precision: of the arithmetic, on the CPU.
        search: how a variant finds its learning rate; one rate and one seed with ``--quick``.
        trained: by variant, once `train_cells` has run.
    """

    def __init__(
        self,
        name: str,
        question: str,
        arguments: Sequence[str] | None,
        search: RateSearch,
        packages: Sequence[str],
    ) -> None:
        parser = command.parser(question, f"runs/{name}")
        parser.add_argument(
            "--precision", choices=["auto", *PRECISIONS], default="auto",
            help="of the arithmetic; auto (default): what this CPU is fast in",
        )  # fmt: skip
        options = parser.parse_args(arguments)
        super().__init__(name, question, options, packages)
        keep_memory()
        self.precision = choose_precision(torch.device("cpu"), options.precision)
        self.search = search
        if options.quick:
            self.search = replace(search, rates=search.rates[:1], seeds=search.seeds[:1])
        self.grid = CellGrid(options.out)
        self.trained: list[Trained] = []

    def train_cells(
        self,
        variants: Sequence[Mapping[str, Any]],
        measure: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> list[Trained]:
        """Train each variant at its own rate with every seed.

        Args:
            variants: what decides a training, apart from learning rate and seed.
            measure: trains what a cell's key describes and returns its result.
        """
        self.trained = train_all(self.grid, variants, self.search, measure)
        return self.trained

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON; see `command.Study.conclude`.

        Args:
            rows, finding, seeds: as there.
            more: further keys. ``limits`` get what all searches share.
        """
        limits = f"{more.pop('limits')}; {SAID}."
        return super().conclude(
            rows,
            finding,
            seeds,
            **more,
            limits=limits,
            tried=tried_rates(self.trained),
            quick=self.options.quick,
            cell_commits=sorted(self.grid.commits),
        )
