"""What a record says to a reader."""

from __future__ import annotations

from zoo import records


def test_the_headline_is_the_leading_test_metric() -> None:
    test = {"boundary_iou": 0.8, "dice": 0.99, "iou": 0.98, "n": 40}
    assert records.headline({"metrics": {"test": test}}) == ("iou", 0.98, 40)


def test_only_what_the_recipe_switched_on_is_a_handicap() -> None:
    recipe = {"augmentation": {"rotation": 12}, "dropout": 0.0, "label_smoothing": 0.1}
    assert records.handicaps({"recipe": recipe}) == "distorted images and smoothed labels"
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
    assert "learned from the validation images, too" in note


def test_a_run_that_selects_its_images_says_in_which_epochs() -> None:
    row = {"train": {"loss": 1.0}, "validation": {"loss": 1.0}}
    history = [{"epoch": epoch} | row for epoch in range(1, 16)]
    recipe = {"keep_ratio": 0.5, "selection_start": 0.3}
    (note,) = records.curve_notes({"history": history[:10], "recipe": recipe})
    assert "In the epochs 4–10 it learns only from the 50% of each batch" in note
    assert records.curve_notes({"history": history, "recipe": {"keep_ratio": 1.0}}) == []

    later = {"keep_ratio": 0.5, "selection_start": 0.2}
    earlier = {"epochs": 10, "recipe": recipe}
    parts, note = records.curve_notes({"history": history, "recipe": later, "init_from": earlier})
    assert "2 parts of 10 and 5 epochs" in parts
    assert "In the epochs 4–10 and 12–15 it" in note


def test_a_last_part_without_validation_says_so() -> None:
    rows = [*history("train", "validation"), {"epoch": 3, "train": {"loss": 0.3}}]
    record = {"history": rows, "validation_run": {}, "init_from": {"epochs": 2}}
    assert "The last part learned from the validation images" in records.curve_notes(record)[-1]


def test_parts_without_epochs_are_no_parts() -> None:
    """An average of two runs has their history and no epochs of its own."""
    before = {"epochs": 2, "init_from": {"epochs": 1}}
    record = {"history": history("train"), "init_from": before}
    assert [(part.first, part.last) for part in records.parts(record)] == [(1, 1), (2, 2)]


def test_a_run_tells_its_parts_itself() -> None:
    row = {"train": {"loss": 1.0}, "validation": {"loss": 1.0}}
    first = {"first": 1, "last": 6, "selects_from": 3}
    second = {"first": 7, "last": 10, "selects_from": 8}
    record = {
        "history": [{"epoch": epoch} | row for epoch in range(1, 11)],
        "recipe": {"keep_ratio": 0.5, "selection_start": 0.3},
        "parts": [first, second],
    }
    lengths, selected = records.curve_notes(record)
    assert "2 parts of 6 and 4 epochs" in lengths
    assert "In the epochs 3–6 and 8–10 it learns only from the 50%" in selected

    without = record | {"recipe": {}}  # somebody's own record
    assert [lengths] == records.curve_notes(without)

    later = {
        "history": [{"epoch": epoch} | row for epoch in range(1, 13)],
        "init_from": {"epochs": 10, "parts": [first, second]},
    }
    found = [(part.first, part.last) for part in records.parts(later)]
    assert found == [(1, 6), (7, 10), (11, 12)]
