"""What each experiment measures and records."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import zoo
from pages.sections.batch_norm import claims
from tests.training.experiments.batch_norm.norm_rehearsal import check, run
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
)
from training.experiments.batch_norm.small_network import Design
from zoo import experiments
from zoo.networks.cifar_net import CifarNet


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
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(batch_norm_speed, data_dir, tmp_path)
    trained = []
    real = small_study.train
    monkeypatch.setattr(small_study, "train", lambda *a, **o: trained.append(a[0]) or real(*a, **o))
    content = run(batch_norm_where, data_dir, tmp_path)
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


def test_longer_says_how_far_and_how_long(data_dir: Path, folder: Path) -> None:
    content = run(batch_norm_longer, data_dir, folder)
    check(content)
    (batch,) = content["rows"]
    assert batch["epochs"] == len(content["curves"][0]["validation"]) == 1  # of a rehearsal
    assert f"{100 * batch['accuracy']:.1f} % of the validation images" in content["finding"]


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


def test_batch_sizes_are_all_there(data_dir: Path, folder: Path) -> None:
    content = run(batch_norm_batch_size, data_dir, folder)
    check(content)
    final = [row for row in content["rows"] if row["stage"] == "final"]
    assert {(r["norm"], r["batch"]) for r in final} == {
        (norm, size) for norm in ("batch", "group", "layer") for size in (2, 8, 32, 128)
    }
    for row in final:
        assert (row["accuracy_batch_statistics"] is None) == (row["norm"] != "batch")
        assert (row["accuracy_corrected"] is None) == (row["norm"] != "batch")
    assert content["published"]["points"] == 10.6


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
