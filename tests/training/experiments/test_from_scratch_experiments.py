"""The interview's experiments about the NumPy network, as rehearsals on made-up data."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.training.experiments import rehearsal
from tests.training.tiny_images import make_images, write_batches
from training.data.augment_digits import DigitAugmentation
from training.experiments.classification import worker_randomness
from training.experiments.from_scratch import (
    backward_cost,
    digit_ladder,
    gradient_check,
    gray_or_rgb,
)
from training.experiments.from_scratch.numpy_training import NumpyRecipe, measure, train

pytestmark = pytest.mark.usefixtures("one_thread")


def rehearse(module: ModuleType, data_dir: Path, folder: Path) -> dict[str, Any]:
    content = rehearsal.rehearse(module, data_dir, folder)
    assert module is backward_cost or len(getattr(module, "SEEDS", None) or module.SEARCH.seeds) > 2
    return content


def test_the_gradient_check_covers_all_layers_and_finds_them_right(tmp_path: Path) -> None:
    content = rehearse(gradient_check, tmp_path, tmp_path)
    rows = content["rows"]
    assert {row["layer"] for row in rows} == set(gradient_check.LAYERS)
    limit = {"float32": 1e-5, "float64": 1e-12}
    for row in rows:
        if row["method"] == "autograd":
            assert row["epsilon"] is None
            assert row["error"] < limit[row["dtype"]], row
    for layer in gradient_check.LAYERS:
        best = [
            b for b in content["best"]
            if (b["layer"], b["dtype"], b["method"]) == (layer, "float64", "central")
        ]  # fmt: skip
        assert best[0]["error"] < 1e-6


def test_a_wrong_gradient_shows() -> None:
    case = gradient_check.make_case("linear", "float64", 0)
    right = case.gradients()["weight"]
    found = gradient_check.quotient(case, "weight", 1e-5, central=True)
    assert gradient_check.relative_error(right, found) < 1e-8
    assert gradient_check.relative_error(2 * right, found) == pytest.approx(1 / 3, rel=1e-3)


def test_a_central_quotient_improves_with_the_square_of_the_step() -> None:
    case = gradient_check.make_case("softmax + cross-entropy", "float64", 0)
    right = case.gradients()["input"]
    errors = {
        central: [
            gradient_check.relative_error(right, gradient_check.quotient(case, "input", e, central))
            for e in (1e-2, 1e-3)
        ]
        for central in (True, False)
    }
    assert errors[True][0] / errors[True][1] == pytest.approx(100, rel=0.2)
    assert errors[False][0] / errors[False][1] == pytest.approx(10, rel=0.2)


def test_colour_forms_hold_what_they_are_called(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = make_images(20).images
    forms = {name: form(images, rng) for name, form in gray_or_rgb.FORMS.items()}
    assert forms["gray"].shape == (20, 32, 32, 1)
    assert (forms["gray copied three times"] == forms["gray"]).all()
    assert (forms["channels exchanged"][..., 0] == images[..., 2]).all()
    mixed = forms["channels shuffled in each image"]
    assert (np.sort(mixed, axis=3) == np.sort(images, axis=3)).all()
    assert (mixed != images).any()
    orders = {tuple(np.argsort(m[16, 16].astype(int) * 1000 + [0, 1, 2])) for m in mixed}
    assert len(orders) > 1  # another one in each image


def test_gray_or_rgb_counts_what_colour_costs(tmp_path: Path) -> None:
    write_batches(tmp_path / "cifar-10-batches-py", make_images(200), make_images(20, seed=1))
    content = rehearse(gray_or_rgb, tmp_path, tmp_path / "out")
    by = {row["variant"]: row for row in content["rows"]}
    assert set(by) == set(gray_or_rgb.FORMS)
    assert by["RGB"]["first_layer_parameters"] == 3 * by["gray"]["first_layer_parameters"]
    assert by["RGB"]["parameters"] - by["gray"]["parameters"] == 2 * 2 * 25
    assert by["RGB"]["multiply_adds"] - by["gray"]["multiply_adds"] == 2 * 2 * 25 * 28 * 28
    assert by["RGB"]["accuracy_as_bgr"] is not None
    assert by["gray"]["accuracy_as_bgr"] is None
    assert len(gray_or_rgb.SEARCH.seeds) == 5


def test_the_ladder_ends_with_the_record(tiny_mnist: Path, tmp_path: Path) -> None:
    content = rehearse(digit_ladder, tiny_mnist, tmp_path)
    rows = content["rows"]
    assert [row["rung"] for row in rows] == sorted(row["rung"] for row in rows)
    assert rows[-1]["name"] == digit_ladder.RECIPE
    assert rows[-1]["recorded"]
    sizes = {row["name"]: row["parameters"] for row in rows}
    assert sizes["softmax regression"] == 7850
    assert sizes["LeNet-like"] == 61706  # as everybody quotes it
    for row in rows:
        assert row["errors"] == pytest.approx(row["n"] * (1 - row["accuracy"]), abs=0.51)


def test_a_stack_of_layers_learns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 10
    images = rng.integers(0, 50, (200, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 3] = 255
    network = digit_ladder.lenet(np.random.default_rng(0))

    def prepare(batch: np.ndarray, _: object = None) -> np.ndarray:
        return (batch[:, None] / 255 - 0.5).astype(np.float32)

    train(network, NumpyRecipe(0.05, 8, batch=20), images, labels, 0, prepare)
    assert measure(network, images, labels, prepare)["accuracy"] > 0.9
    assert DigitAugmentation()(images, rng).shape == images.shape


def test_workers_with_a_kept_generator_draw_the_same_numbers(tmp_path: Path) -> None:
    content = rehearse(worker_randomness, tmp_path, tmp_path)
    several = {r["way"]: r for r in content["rows"] if r["workers"] == 2}
    kept = several.pop("a Generator kept in the data set")
    assert kept["repeated"] == 1.0
    assert kept["repeated_next_epoch"] == 1.0
    for row in several.values():
        assert (row["repeated"], row["repeated_next_epoch"]) == (0.0, 0.0), row


def test_backward_is_timed_and_what_is_kept_is_counted(tmp_path: Path) -> None:
    rows = {row["subject"]: row for row in rehearse(backward_cost, tmp_path, tmp_path)["rows"]}
    gray, rgb = (rows[f"whole network, {name} 32 × 32"] for name in ("gray", "RGB"))
    assert rgb["multiply_adds"] > gray["multiply_adds"]
    assert rgb["input_mib"] == pytest.approx(3 * gray["input_mib"], rel=0.1)
    for row in rows.values():
        assert row["ratio"] == pytest.approx(row["backward_ms"] / row["training_forward_ms"])
    relu = rows["ReLU"]
    assert relu["kept_mib"] == pytest.approx(relu["input_mib"], rel=0.1)  # its output
