"""What a record says to a reader."""

from __future__ import annotations

from zoo import records


def test_the_headline_is_the_leading_test_metric() -> None:
    test = {"boundary_iou": 0.8, "dice": 0.99, "iou": 0.98, "n": 40}
    assert records.headline({"metrics": {"test": test}}) == ("iou", 0.98, 40)


def test_only_what_the_recipe_switched_on_is_a_handicap() -> None:
    recipe = {"augmentation": {"rotation": 12}, "dropout": 0.0, "label_smoothing": 0.1}
    assert records.handicaps({"recipe": recipe}) == "distorted pictures and smoothed labels"
    assert records.handicaps({}) == ""
