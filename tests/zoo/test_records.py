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


def history(*parts: str) -> list[dict]:
    """Two epochs with a loss and an IoU in each of the parts."""
    return [
        {"epoch": epoch} | {part: {"loss": 1 / epoch, "iou": 0.4 * epoch} for part in parts}
        for epoch in (1, 2)
    ]


def test_a_curve_has_the_epochs_that_have_the_value() -> None:
    rows = history("train", "validation")
    del rows[0]["validation"]["iou"]
    record = {"history": rows}
    assert records.curve(record, "train", "loss") == [(1, 1.0), (2, 0.5)]
    assert records.curve(record, "validation", "iou") == [(2, 0.8)]
    assert records.curve(record, "validation", "dice") == []


def test_a_final_runs_validation_curve_is_that_of_the_run_before_it() -> None:
    before = {"history": history("train", "validation")}
    record = {"history": history("train"), "validation_run": before}
    assert records.curve(record, "validation", "iou") == [(1, 0.4), (2, 0.8)]
    record["history"][0]["train"]["iou"] = 0.123
    assert records.curve(record, "train", "iou")[0] == (1, 0.123), "the training curve is its own"


def test_what_a_reader_of_the_curves_is_told() -> None:
    recipe = {"dropout": 0.2}
    both = {"history": history("train", "validation"), "recipe": recipe}
    assert ["with dropout" in note for note in records.curve_notes(both)] == [True]
    apart = [{"train": {"loss": 1.0}, "validation": {"iou": 0.5}, "epoch": 1}]
    assert records.curve_notes({"history": apart, "recipe": recipe}) == []
    final = {"history": history("train"), "validation_run": both}
    (note,) = records.curve_notes(final)
    assert "learned from the validation pictures, too" in note


def test_a_run_that_selects_its_pictures_says_from_where_on() -> None:
    history = [{"epoch": 1, "train": {"loss": 1.0}, "validation": {"loss": 1.0}}]
    recipe = {"kept": 0.5, "select_from": 0.3}
    (note,) = records.curve_notes({"history": history, "recipe": recipe})
    assert "After 30% of the epochs" in note
    assert "the 50% of each batch" in note
    assert records.curve_notes({"history": history, "recipe": {"kept": 1.0}}) == []
