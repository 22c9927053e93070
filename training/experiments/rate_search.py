"""Every variant of a comparison gets its own learning rate, from the same small search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tqdm import tqdm

from training.experiments.cells import CellGrid

Key = dict[str, Any]
MOST_EXTRA = 2  # rates that are tried beyond an edge of the grid where the best one lies
SAID = (
    "each variant's learning rate is the best of the same small search with the first seed, so "
    "that seed is slightly favoured"
)


@dataclass(frozen=True)
class RateSearch:
    """How a comparison finds its learning rates and repeats its trainings.

    Attributes:
        rates: ascending; all are tried with the first seed.
        seeds: with the best rate all of them count.
        score: the result's key that a good rate makes large.
        factor: from the last rate of the grid to one beyond it, where the best lies on the edge.
    """

    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    score: str = "accuracy"
    factor: float = 3.0


@dataclass(frozen=True)
class Trained:
    """The trainings of one variant.

    Attributes:
        variant: as it was asked for.
        learning_rate: the one that was found.
        results: by seed.
        tried: by rate, the score with the first seed.
    """

    variant: Mapping[str, Any]
    learning_rate: float
    results: dict[int, dict[str, Any]]
    tried: dict[float, float]


def train_all(
    grid: CellGrid,
    variants: Sequence[Mapping[str, Any]],
    search: RateSearch,
    measure: Callable[[Key], dict[str, Any]],
) -> list[Trained]:
    """Train every variant, cell by cell: what the grid's folder holds is not trained again.

    Args:
        grid: keeps the cells.
        variants: each as JSON; a cell's key is a variant with ``learning_rate`` and ``seed``. A
            variant with a ``learning_rate`` of its own is not searched for.
        search: rates and seeds.
        measure: trains what a key describes; returns the result as JSON.
    """

    return [
        _train(grid, variant, search, measure)
        for variant in tqdm(variants, unit="variant", disable=None)
    ]


def _train(
    grid: CellGrid,
    variant: Mapping[str, Any],
    search: RateSearch,
    measure: Callable[[Key], dict[str, Any]],
) -> Trained:
    def cell(rate: float, seed: int) -> dict[str, Any]:
        key = {**variant, "learning_rate": rate, "seed": seed}
        return grid.cell(key, partial(measure, key))

    tried = _try(search, variant, lambda rate: float(cell(rate, search.seeds[0])[search.score]))
    best = max(tried, key=lambda rate: tried[rate])
    return Trained(variant, best, {seed: cell(best, seed) for seed in search.seeds}, tried)


def _try(
    search: RateSearch, variant: Mapping[str, Any], score: Callable[[float], float]
) -> dict[float, float]:
    """Return the score of each rate; beyond an edge of the grid as long as that is better."""
    if "learning_rate" in variant:
        rate = float(variant["learning_rate"])
        return {rate: score(rate)}
    tried = {rate: score(rate) for rate in search.rates}
    for _ in range(MOST_EXTRA if len(tried) > 1 else 0):
        best = max(tried, key=lambda rate: tried[rate])
        if best == max(tried):
            further = float(f"{best * search.factor:.3g}")
        elif best == min(tried):
            further = float(f"{best / search.factor:.3g}")
        else:
            break
        tried[further] = score(further)
    return tried


def tried_rates(trained: Sequence[Trained]) -> list[dict[str, Any]]:
    """Return what the search saw, for the JSON: a row a variant and rate."""
    return [
        {**one.variant, "learning_rate": rate, "score": score, "chosen": rate == one.learning_rate}
        for one in trained
        for rate, score in sorted(one.tried.items())
    ]
