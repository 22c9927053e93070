"""The search for learning rates: own ones for each variant, beyond an edge, and never twice."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from training.experiments.cells import CellGrid
from training.experiments.rate_search import RateSearch, train_all, tried_rates

SEARCH = RateSearch(rates=(0.01, 0.03, 0.1), seeds=(0, 1, 2))


def peaked(best: float) -> Any:
    """Return a made-up training whose accuracy is best at one rate."""

    def measure(key: dict[str, Any]) -> dict[str, Any]:
        away = abs(math.log10(key["learning_rate"] / (best * key["scale"])))
        return {"accuracy": 1 - away / 10 + key["seed"] / 1000}

    return measure


def test_each_variant_gets_its_own_rate_and_all_seeds(tmp_path: Path) -> None:
    found = train_all(CellGrid(tmp_path), [{"scale": 1.0}, {"scale": 0.3}], SEARCH, peaked(0.03))
    assert [one.learning_rate for one in found] == [0.03, 0.01]
    assert all(set(one.results) == {0, 1, 2} for one in found)
    chosen = [row for row in tried_rates(found) if row["chosen"]]
    assert [(row["scale"], row["learning_rate"]) for row in chosen] == [(1.0, 0.03), (0.3, 0.01)]


def test_beyond_an_edge_it_goes_on_a_little(tmp_path: Path) -> None:
    (above,) = train_all(CellGrid(tmp_path / "a"), [{"scale": 1.0}], SEARCH, peaked(0.3))
    (below,) = train_all(CellGrid(tmp_path / "b"), [{"scale": 1.0}], SEARCH, peaked(0.001))
    assert above.learning_rate == 0.3
    assert max(above.tried) == 0.9
    assert below.learning_rate == 0.00111  # no further than two steps
    assert len(below.tried) == 5


def test_a_variant_with_a_rate_of_its_own_is_not_searched_for(tmp_path: Path) -> None:
    variant = {"scale": 1.0, "learning_rate": 0.5}
    (found,) = train_all(CellGrid(tmp_path), [variant], SEARCH, peaked(0.03))
    assert found.learning_rate == 0.5
    assert list(found.tried) == [0.5]


def test_what_was_trained_is_not_trained_again(tmp_path: Path) -> None:
    def count(measured: list[dict[str, Any]]) -> Any:
        return lambda key: measured.append(key) or peaked(0.03)(key)

    first: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    one = train_all(CellGrid(tmp_path), [{"scale": 1.0}], SEARCH, count(first))
    other = train_all(CellGrid(tmp_path), [{"scale": 1.0}], SEARCH, count(again))
    assert len(first) == 5
    assert not again
    assert one == other
