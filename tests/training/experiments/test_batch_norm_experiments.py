"""The BatchNorm experiments, on a made-up CIFAR-10: what they measure, record and resume."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import zoo
from pages.sections.batch_norm import claims
from tests.training.tiny_images import make_images, write_batches
from training.data.augment_images import normalize
from training.engine import provenance
from training.engine.failures import TrainingError
from training.experiments import cells
from training.experiments.batch_norm import (
    batch_norm_batch_size,
    batch_norm_depth,
    batch_norm_folding,
    batch_norm_longer,
    batch_norm_modes,
    batch_norm_race,
    batch_norm_speed,
    batch_norm_statistics,
    batch_norm_where,
    small_study,
    small_training,
)
from training.experiments.batch_norm.other_networks import built
from training.experiments.batch_norm.probes import activation_statistics, covariate_shift, landscape
from training.experiments.batch_norm.small_network import (
    ChannelsFirstGroupNorm,
    Design,
    SmallNet,
    trained_parameters,
    units,
)
from training.experiments.batch_norm.small_training import SmallRecipe, Step, train
from zoo import experiments
from zoo.networks.cifar_net import CifarNet

TINY = Design(widths=(8, 16, 16))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar")
    write_batches(folder / "cifar-10-batches-py", make_images(200), make_images(60, seed=1))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all experiments of this file write: they share their cells."""
    return tmp_path_factory.mktemp("experiments")


def run(module: Any, data_dir: Path, folder: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    assert module.main(["--data-dir", str(data_dir), "--folder", str(folder), "--quick"]) == 0
    return json.loads((folder / f"{module.NAME}.json").read_text())


def check(content: dict[str, Any]) -> None:
    """What every page and reader relies on."""
    assert content["question"].endswith("?")
    assert content["finding"].endswith(".")
    assert content["rows"]
    assert "nan" not in content["finding"]
    assert content["quick"] is True
    assert content["measured_on"].startswith("CIFAR-10")
    assert content["hardware"]["cpu"]


def test_speed_searches_each_norms_rate_and_keeps_whole_curves(
    data_dir: Path, folder: Path
) -> None:
    content = run(batch_norm_speed, data_dir, folder)
    check(content)
    for norm in ("none", "batch", "group", "layer"):
        own = [row for row in content["rows"] if row["norm"] == norm]
        searched = {row["learning_rate"] for row in own if row["stage"] == "search"}
        final = [row for row in own if row["stage"] == "final"]
        assert len(searched) >= 2
        assert len({row["learning_rate"] for row in final}) == 1
        assert final[0]["learning_rate"] in searched
        assert [row["seed"] for row in final] == content["seeds"]
    searching = {row["seed"] for row in content["rows"] if row["stage"] == "search"}
    assert not searching & set(content["seeds"])
    final = [row for row in content["rows"] if row["stage"] == "final"]
    for row, curve in zip(final, content["curves"], strict=True):
        assert row["accuracy"] == curve["validation"][-1]["accuracy"]
        assert curve["training"]
    assert content["network"]["parameters"] > 1000
    assert "too few seeds to say" in content["finding"]  # a rehearsal has two


def test_where_reuses_the_cells_of_speed(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(batch_norm_speed, data_dir, folder)
    trained = []
    real = small_study.train
    monkeypatch.setattr(small_study, "train", lambda *a, **o: trained.append(a[0]) or real(*a, **o))
    content = run(batch_norm_where, data_dir, folder)
    check(content)
    assert {row["variant"] for row in content["rows"]} == set(batch_norm_where.VARIANTS)
    designs = {replace(design, widths=Design.widths) for design in trained}
    assert Design() not in designs
    assert Design(norm="none") not in designs
    assert Design(position="after") in designs


def test_depth_compares_plain_and_residual_networks(data_dir: Path, folder: Path) -> None:
    content = run(batch_norm_depth, data_dir, folder)
    check(content)
    final = [row["variant"] for row in content["rows"] if row["stage"] == "final"]
    assert set(final) == set(batch_norm_depth.VARIANTS)


def test_the_search_grows_the_ladder_where_the_best_rate_is_its_end(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def stub(key: Any, *_: Any) -> dict[str, Any]:
        recipe = key["recipe"]
        asked.append((recipe["learning_rate"], recipe["epochs"]))
        best = 0.7 if recipe["epochs"] < 8 else 0.4  # short and long trainings may differ
        accuracy = 0.9 - abs(math.log(recipe["learning_rate"] / best)) / 10
        return {"accuracy": accuracy, "diverged": False, "seconds": 1, "curve": [], "epochs": []}

    monkeypatch.setattr(small_study, "train_cell", stub)
    options = ["--data-dir", str(data_dir), "--folder", str(tmp_path), "--out", str(tmp_path / "o")]
    study = small_study.SmallStudy("x", "x?", [*options, "--epochs", "8"])
    assert study.search(TINY, (0.1, 0.2, 0.4)) == 0.4
    assert asked == [(0.1, 2), (0.2, 2), (0.4, 2), (0.8, 2), (1.6, 2), *asked[5:]]
    assert sorted(asked[5:]) == [(0.4, 8), (0.8, 8)]


def test_longer_says_how_far_and_how_long(data_dir: Path, folder: Path) -> None:
    content = run(batch_norm_longer, data_dir, folder)
    check(content)
    (batch,) = content["rows"]
    assert batch["epochs"] == len(content["curves"][0]["validation"]) == 1  # of a rehearsal
    assert f"{batch['accuracy']:.1%} of the validation images" in content["finding"]


def test_statistics_record_smoothness_activations_and_shift(data_dir: Path, folder: Path) -> None:
    content = run(batch_norm_statistics, data_dir, folder)
    check(content)
    rows = content["rows"]
    assert {row["norm"] for row in rows} == {"none", "batch"}
    assert len({row["layer"] for row in rows}) == 6
    for row in rows:
        assert row["activation_std"] > 0
        assert row["gradient_norm"] > 0
    assert any(row["shift_relative"] is not None for row in rows)
    for row in content["landscape"]:
        assert row["loss_low"] <= row["loss_high"]
    low, own = content["settings"]
    assert set(low["rates"].values()) == {batch_norm_statistics.LOW}
    runs = {(r["norm"], r["learning_rate"], r["seed"]) for r in content["summary"]}
    for norm in ("none", "batch"):
        assert {(norm, own["rates"][norm], seed) for seed in content["seeds"]} <= runs


def test_thinning_keeps_the_means_where_the_shift_was_measured() -> None:
    shared = {"norm": "batch", "learning_rate": 0.1, "layer": "a", "loss_low": 1.0, "smoothness": 1}
    rows = [
        shared
        | {"seed": seed, "step": step, "loss_high": 2.0 + seed, "gradient_change": None}
        | {"gradient_norm": 1.0 + seed, "activation_std": 1.0, "activation_drift": 0.0}
        | {"shift_relative": 0.5 if step == 1 else None}
        for seed in (0, 1)
        for step in (1, 2)
    ]
    (layer,), (around,) = batch_norm_statistics.thinned(rows)
    assert (layer["step"], layer["gradient_norm"], layer["shift_relative"]) == (1, 1.5, 0.5)
    assert (around["loss_high"], around["gradient_change"]) == (2.5, None)


def test_batch_sizes_are_all_there(data_dir: Path, folder: Path) -> None:
    content = run(batch_norm_batch_size, data_dir, folder)
    check(content)
    final = [row for row in content["rows"] if row["stage"] == "final"]
    assert {(r["norm"], r["batch"]) for r in final} == {
        (norm, size) for norm in ("batch", "group", "layer") for size in (2, 4, 8, 32, 128)
    }
    for row in final:
        assert (row["accuracy_batch_statistics"] is None) == (row["norm"] != "batch")
        assert (row["accuracy_corrected"] is None) == (row["norm"] != "batch")
    assert content["published"]["points"] == 10.6


def test_precise_statistics_are_means_over_large_batches() -> None:
    network = SmallNet(TINY).initialize(torch.randn(50, 3, 32, 32))
    images = make_images(600).images
    before = {name: value.clone() for name, value in network.state_dict().items()}
    twin = batch_norm_batch_size.with_precise_statistics(network, images)
    found = twin.stages[0].unit1.norm
    with torch.no_grad():
        normalized = normalize(torch.from_numpy(images))
        values = network.stages[0].unit1.conv(torch.relu(network.whiten(normalized)))
    parts = [values[first : first + 500].mean(dim=(0, 2, 3)) for first in (0, 500)]
    torch.testing.assert_close(found.running_mean, sum(parts) / 2, atol=1e-4, rtol=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_modes_measure_the_bundled_network(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = CifarNet((4, 8, 8)).eval()
    size = {"kind": "crop", "channels": 3, "height": 32, "width": 32}
    config = {"preprocessing": size | {"mean": [0.5] * 3, "std": [0.25] * 3}}
    model = zoo.Classifier("cifar10", config, {}, network)
    monkeypatch.setattr(batch_norm_modes.zoo, "load", lambda *_, **__: model)
    monkeypatch.setattr(
        batch_norm_modes.zoo, "info", lambda _: type("Info", (), {"sha256": "0" * 64})
    )
    content = run(batch_norm_modes, data_dir, folder)
    check(content)
    mixed = [r for r in content["rows"] if (r["statistics"], r["batches"]) == ("batch", "mixed")]
    assert [row["batch_size"] for row in mixed] == [1, 2, 4, 8, 16, 32]
    assert [r["batch_size"] for r in content["rows"] if r["batches"] == "one class"] == [4]
    running = content["rows"][0]
    assert (running["statistics"], running["n"]) == ("running", 60)


def test_what_the_experiments_write_makes_the_pages_claims(
    data_dir: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    for module in (
        batch_norm_speed, batch_norm_where, batch_norm_depth, batch_norm_statistics,
        batch_norm_batch_size,
    ):  # fmt: skip
        content = run(module, data_dir, folder) | {"quick": False}
        (tmp_path / f"{module.NAME}.json").write_text(json.dumps(content))
    found = claims.claims()
    assert len(found) == 16
    for claim in found:
        assert claim.verdict == "too few seeds to say"  # a rehearsal has two
        assert re.search(r"\d", claim.number)
        assert "nothing" not in claim.number


def test_a_stopped_experiment_goes_on_where_it_was(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def stub(limit: int) -> Any:
        def train_cell(*_: Any) -> dict[str, Any]:
            if len(calls) == limit:
                raise KeyboardInterrupt
            calls.append(len(calls))
            epochs = [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]
            return {"accuracy": 0.5, "diverged": False, "curve": [], "epochs": epochs, "seconds": 1}

        return train_cell

    monkeypatch.setattr(small_study, "train_cell", stub(7))
    with pytest.raises(KeyboardInterrupt):
        run(batch_norm_speed, data_dir, tmp_path)
    assert not (tmp_path / "batch_norm_speed.json").exists()
    monkeypatch.setattr(small_study, "train_cell", stub(1000))
    run(batch_norm_speed, data_dir, tmp_path)
    kept = len(calls)
    assert kept == len(list((tmp_path / "finished").iterdir()))  # no cell was measured twice
    monkeypatch.setattr(small_study, "train_cell", stub(kept))
    run(batch_norm_speed, data_dir, tmp_path)  # and a third run measures nothing


def test_a_rehearsal_never_lands_among_the_measurements(data_dir: Path) -> None:
    with pytest.raises(TrainingError, match="--folder of its own"):
        batch_norm_speed.main(["--data-dir", str(data_dir), "--quick"])
    assert not (provenance.EXPERIMENTS / "cells").exists()


def test_a_damaged_cell_is_named(tmp_path: Path) -> None:
    grid = cells.CellGrid(tmp_path)
    assert grid.cell({"a": 1}, lambda: {"x": 2}) == {"x": 2}
    (path,) = tmp_path.iterdir()
    path.write_text("{")
    with pytest.raises(TrainingError, match="delete it"):
        grid.cell({"a": 1}, lambda: {"x": 3})


@pytest.mark.parametrize("norm", ["batch", "none", "group", "layer"])
def test_the_small_network_learns_with_every_norm(norm: str) -> None:
    design = Design(norm, widths=(8, 16, 16))
    recipe = SmallRecipe(0.05, epochs=6, batch=20)
    images = make_images(200)
    network, result = train(design, recipe, images, make_images(60, seed=1), seed=0)
    assert result["curve"][-1]["loss"] < 0.8 * result["curve"][0]["loss"]
    assert not result["diverged"]
    kinds = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "layer": nn.GroupNorm}
    found = [unit.norm for unit in units(network).values()]
    assert len(found) == 6
    assert all(isinstance(one, kinds.get(norm, nn.Identity)) for one in found)


def test_group_norm_is_pytorchs_in_another_memory_format() -> None:
    torch.manual_seed(0)
    plain = nn.GroupNorm(4, 8)
    nn.init.normal_(plain.weight)
    ours = ChannelsFirstGroupNorm(4, 8)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(6, 8, 5, 5).contiguous(memory_format=torch.channels_last)
    upper = torch.randn_like(x)
    results = []
    for norm in (ours, plain):
        inputs = x.clone().requires_grad_()
        y = norm(inputs)
        assert y.is_contiguous(memory_format=torch.channels_last)
        y.backward(upper)
        results.append((y, inputs.grad, norm.weight.grad, norm.bias.grad))
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected)


def test_bfloat16_trains_as_it_does_with_plain_convolutions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = SmallRecipe(0.05, epochs=1, batch=20, bfloat16=True)

    def losses() -> list[float]:
        result = train(TINY, recipe, make_images(200), make_images(60, seed=1), seed=0)[1]
        return [point["loss"] for point in result["curve"]]

    faster = losses()
    monkeypatch.setattr(small_training, "lay_side_by_side", lambda network: None)
    assert faster == pytest.approx(losses(), rel=0.02)


def test_designs_differ_in_what_they_say() -> None:
    x = torch.randn(4, 3, 32, 32)
    after = units(SmallNet(Design(position="after", widths=(8, 8, 8))))["stages.0.unit1"]
    y = after(torch.randn(4, 24, 8, 8))
    assert y.mean(dim=(0, 2, 3)).abs().max() < 1e-5  # normalized last: mean 0
    before = units(SmallNet(Design(widths=(8, 8, 8))))["stages.0.unit1"]
    assert before(torch.randn(4, 24, 8, 8)).min() == 0  # ReLU last
    biased = SmallNet(Design(bias=True, widths=(8, 8, 8)))
    assert all(unit.conv.bias is not None for unit in units(biased).values())
    assert all(unit.conv.bias is None for unit in units(SmallNet(TINY)).values())
    logits = SmallNet(Design(output_norm=True, widths=(8, 8, 8)))(x)
    assert logits.mean(dim=0).abs().max() < 1e-5
    on_input = SmallNet(Design(input_norm=True, head_norm=True, dropout=0.5, widths=(8, 8, 8)))
    assert isinstance(on_input.input_norm, nn.BatchNorm2d)
    assert isinstance(on_input.head_norm, nn.BatchNorm1d)
    assert on_input.dropout.p == 0.5
    with pytest.raises(ValueError, match="small, dense, deep"):
        Design(kind="wide")
    assert len(units(SmallNet(Design(residual=True, widths=(8, 8, 8))))) == 9
    with pytest.raises(ValueError, match="no norm"):
        Design("weight")


@pytest.mark.parametrize("name", list(batch_norm_depth.VARIANTS))
def test_deep_networks_have_20_layers_and_what_their_name_says(name: str) -> None:
    design = replace(batch_norm_depth.VARIANTS[name], widths=(4, 8, 8))
    network = built(design, 0, torch.randn(50, 3, 32, 32))
    units_found = units(network)
    assert len(units_found) + 1 == 20
    x = torch.randn(2, 3, 32, 32)
    assert network(x).shape == (2, 10)
    kinds = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "none": nn.Identity}
    assert all(isinstance(unit.norm, kinds[design.norm]) for unit in units_found.values())
    block = network.blocks[1]
    y = torch.rand(2, 4, 16, 16)
    if design.skip_init:  # the block begins as its shortcut, and its factor does not decay
        torch.testing.assert_close(block(y), y)
        kept = trained_parameters(network, 1.0)[1]["params"]
        assert sum(p.ndim == 0 for p in kept) == 9
    elif design.residual:
        torch.testing.assert_close(block(y), torch.relu(y + block.unit2(block.unit1(y))))
    else:
        torch.testing.assert_close(block(y), torch.relu(block.unit2(block.unit1(y))))


def test_the_dense_network_learns_with_and_without_a_norm() -> None:
    images = make_images(200)
    for norm in ("batch", "none"):
        recipe = SmallRecipe(0.01, epochs=4, batch=20)
        _, result = train(Design(norm, kind="dense"), recipe, images, images[:60], seed=0)
        assert result["curve"][-1]["loss"] < 0.8 * result["curve"][0]["loss"]


def test_bfloat16_changes_little(data_dir: Path) -> None:
    images = make_images(200)
    ends = [
        train(TINY, SmallRecipe(0.02, 2, 20, bfloat16=b), images, images[:60], 0)[1]["curve"][-1]
        for b in (False, True)
    ]
    assert ends[0]["loss"] != ends[1]["loss"]
    assert ends[0]["loss"] == pytest.approx(ends[1]["loss"], rel=0.1)


def test_folding_and_race_are_recorded_for_the_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_norm_race, "RATES", (0.1, 0.01))
    monkeypatch.setattr(batch_norm_folding, "IMAGES", (1, 2))
    for module in (batch_norm_folding, batch_norm_race):
        content = run(module, folder, folder)
        assert content["quick"] is True
        assert content["finding"].endswith(".")
        assert content["rows"]
    race = content["rows"]
    assert {row["norm"] for row in race} == {"batch", "none"}
    assert {(row["learning_rate"], row["seed"]) for row in race} == {
        (rate, seed) for rate in (0.1, 0.01) for seed in batch_norm_race.SEEDS
    }
    assert max(row["step"] for row in race) == 16


def test_a_diverging_run_stops_and_says_so() -> None:
    images = make_images(200)
    recipe = SmallRecipe(1e6, epochs=3, batch=20)
    _, result = train(Design("none", widths=(8, 16, 16)), recipe, images, images[:40], 0)
    assert result["diverged"]
    assert len(result["epochs"]) == 1
    assert math.isfinite(result["curve"][-1]["loss"])
    json.dumps(result, allow_nan=False)


@pytest.fixture
def step() -> Step:
    torch.manual_seed(0)
    network = SmallNet(Design("none", widths=(4, 4, 4)))
    inputs, labels = torch.randn(16, 3, 32, 32), torch.arange(16) % 10
    loss = functional.cross_entropy(network(inputs), labels)
    loss.backward()
    return Step(0, 10, network, inputs, labels, loss.item(), 0.01)


def test_the_landscape_is_measured_along_the_gradient(step: Step) -> None:
    before = {n: p.detach().clone() for n, p in step.network.named_parameters()}
    found = landscape(step)
    assert found["loss_high"] == pytest.approx(step.loss)  # downhill all the way, for small steps
    reference = SmallNet(Design("none", widths=(4, 4, 4)))
    reference.load_state_dict(step.network.state_dict())
    with torch.no_grad():
        for p, own in zip(reference.parameters(), step.network.parameters(), strict=True):
            if own.grad is not None:
                p -= 4 * 0.01 * own.grad
    lowest = functional.cross_entropy(reference(step.inputs), step.labels).item()
    assert found["loss_low"] == pytest.approx(lowest, rel=1e-4)
    assert found["smoothness"] > 0
    for name, parameter in step.network.named_parameters():
        assert torch.equal(parameter, before[name]), "the network was changed"


def test_covariate_shift_is_nothing_when_nothing_stepped_and_something_when_it_did(
    step: Step,
) -> None:
    before = {n: p.detach().clone() for n, p in step.network.named_parameters() if p.requires_grad}
    assert all(
        found["relative"] == pytest.approx(0, abs=1e-6) and found["cosine"] > 0.999
        for found in covariate_shift(step, before).values()
    )
    with torch.no_grad():
        for parameter in step.network.parameters():
            if parameter.grad is not None:
                parameter -= 0.5 * parameter.grad
    shift = covariate_shift(step, before)
    assert list(shift) == list(units(step.network))[1:]
    assert all(found["relative"] > 1e-3 for found in shift.values())


def test_activations_in_front_of_the_relu_are_normalized_by_batch_norm() -> None:
    network = SmallNet(TINY).train()
    found = activation_statistics(network, torch.randn(16, 3, 32, 32) * 3 + 1)
    assert len(found) == 6
    for means, stds in found.values():
        np.testing.assert_allclose(means, 0, atol=1e-4)
        np.testing.assert_allclose(stds, 1, atol=0.02)
    assert all(  # looking leaves no trace in the running statistics
        module.num_batches_tracked == 0
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
    )


def test_curves_are_as_fine_as_promised() -> None:
    images = make_images(320)
    _, result = train(TINY, SmallRecipe(0.05, epochs=2, batch=20), images, images[:20], 0)
    assert [point["step"] for point in result["curve"]] == list(range(2, 33, 2))
    assert small_training.CURVE_POINTS == 8
