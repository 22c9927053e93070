"""The BatchNorm page, without a browser, with the trained network and made-up experiments."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import zoo
from pages.sections.batch_norm import (
    claims,
    live_training,
    recorded_series,
    short_answer,
    train_or_eval,
)
from tests.pages import read
from tests.training.experiments import norm_experiments
from zoo import batch_norm, experiments
from zoo.samples.sets import image_set

LIVE = [
    "What it does: three steps",
    "Training is not evaluation",
    "Does it train faster?",
    "At inference it disappears",
]


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for zoo/experiments: all five BatchNorm experiments."""
    norm_experiments.write(tmp_path)
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def nothing_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)


@pytest.fixture
def page(app: AppTest) -> AppTest:
    return app.switch_page("pages/batch_norm.py").run(timeout=120)


def text(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption, *page.latex])


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.header]


@pytest.mark.usefixtures("nothing_recorded")
def test_without_experiments_the_live_sections_stand_alone(page: AppTest) -> None:
    assert not page.exception
    assert headings(page) == LIVE
    assert not page.code


@pytest.mark.usefixtures("made_up")
def test_each_recorded_section_and_claim_comes_from_its_experiment(page: AppTest) -> None:
    assert not page.exception
    assert headings(page) == [
        *LIVE[:3],
        "Why does it help?",
        "Small batches",
        "Where does it belong?",
        LIVE[3],
        "So: would you use it in every layer?",
        "Claims and measurements",
    ]
    commands = [block.value for block in page.code]
    names = ["speed", "longer", "statistics", "batch_size", "where"]
    assert commands == [
        f"python -m training.experiments.batch_norm_{name} --data-dir DIR" for name in names
    ]
    shown = text(page)
    for question, sentence in short_answer.short_answer():
        assert f"**{question}** {sentence}" in shown
    for claim in claims.claims():
        assert f"**{claim.claim}**" in shown
        assert claim.measured in shown


def test_a_rehearsal_is_not_shown(made_up: Path, page: AppTest) -> None:
    for path in made_up.iterdir():
        path.write_text(json.dumps(json.loads(path.read_text()) | {"quick": True}))
    page.run(timeout=120)
    assert headings(page) == LIVE


def test_a_measurement_on_other_weights_is_not_shown(made_up: Path) -> None:
    path = made_up / "batch_norm_modes.json"
    content = json.loads(path.read_text()) | {"model": "cifar10"}
    for weights, shown in ((zoo.info("cifar10").sha256, True), ("0" * 64, False)):
        path.write_text(json.dumps(content | {"weights_sha256": weights}))
        assert (recorded_series.recorded("batch_norm_modes") is not None) == shown


def test_the_sentences_of_the_claims_hold_the_recorded_numbers(made_up: Path) -> None:
    table = {claim.claim: claim for claim in claims.claims()}
    assert len(table) == 10
    assert (
        "BatchNorm 69.8\xa0% → 60.0\xa0%"
        in table["It fails with small batches, and GroupNorm does not."].measured
    )
    residual = table["Residual networks do not need it."].measured
    assert "Residual, BatchNorm 88.2\xa0%; residual, none 79.2\xa0%" in residual
    assert "0.4 points" in residual
    assert "no norm from 10.0\xa0% to" in table["It allows much higher learning rates."].measured
    smoother = table["It works because it makes the loss landscape smoother."].measured
    assert "0.2 with BatchNorm and 0.6 without" in smoother
    (made_up / "batch_norm_where.json").unlink()
    assert len(claims.claims()) == 6


def test_the_short_answer_holds_the_recorded_numbers(made_up: Path) -> None:
    answers = {
        question: text.replace("\xa0", " ") for question, text in short_answer.short_answer()
    }
    assert "86.5 % with it and 80.5 % without" in answers["Does it help?"]
    assert "10.0 % to 80.5 % without" in answers["How?"]
    assert "before the activation: 86.2 %; after it: 85.7 %" in answers["In every layer?"]
    assert "batches of 2 it reached 60.0 %" in answers["With few images in a batch?"]
    assert "93.0 % with the running" in answers["What must one not forget?"]
    (made_up / "batch_norm_speed.json").unlink()
    assert "Does it help?" not in dict(short_answer.short_answer())


def test_curves_go_on_with_what_a_diverged_run_ended_with(made_up: Path) -> None:
    found = recorded_series.recorded("batch_norm_speed")
    assert found is not None
    assert len(recorded_series.learning_curve(found, "batch", 0.1)) == norm_experiments.EPOCHS
    assert len(recorded_series.learning_curve(found, "none", 0.5)) == 1
    _, rates, grid = recorded_series.accuracy_grid(found)
    assert rates == [0.02, 0.1, 0.5]
    assert grid[0][1] == pytest.approx(0.865)


@pytest.mark.usefixtures("nothing_recorded")
def test_gamma_changes_histogram_formula_and_answer(page: AppTest) -> None:
    model = zoo.load("cifar10", source="bundle")
    layer = batch_norm.layer_names(model.network)[0]
    images = image_set("cifar10").images[:16]
    inputs = np.stack([model.preprocess(image) for image in images])
    assert inputs.shape[1:] == model.preprocessing.input_shape
    own = batch_norm.three_steps(model.network, layer, inputs).channel(0)
    assert f"μ = {own.mean:.3f}, σ² = {own.variance:.3f}" in text(page)
    assert "The answer stays" in text(page)

    page.slider(f"bn.gamma.{layer}.0").set_value(-1.5).run(timeout=60)
    assert not page.exception
    shown = text(page)
    assert f"{-1.5 * float(own.normalized[0]) + round(own.beta, 2):.2f} = -1.50" in shown
    assert f"standard deviation {1.5 * float(own.normalized.std()):.2f}" in shown
    effect = batch_norm.effect(model.network, layer, inputs, 0, -1.5, round(own.beta, 2))
    right = effect.right(image_set("cifar10").labels[:16])
    assert f"{right[0]} → {right[1]} are right" in shown

    page.button("bn.reset").click().run(timeout=60)
    assert page.slider(f"bn.gamma.{layer}.0").value == round(own.gamma, 2)
    page.button("bn.next").click().run(timeout=60)
    assert f"μ = {own.mean:.3f}" not in text(page)


@pytest.mark.usefixtures("nothing_recorded")
def test_the_strips_show_the_sample_images(page: AppTest) -> None:
    first, second = read.components(page, "thumbnails")
    for strip in (first, second):
        (group,) = strip["groups"]
        assert len(group["items"]) == 10
    assert first["selected"] == second["selected"] == "0"


@pytest.mark.usefixtures("nothing_recorded")
def test_folding_is_measured_and_becomes_a_claim(page: AppTest) -> None:
    page.button("bn.fold").click().run(timeout=60)
    assert not page.exception
    values = {metric.label: metric.value for metric in page.metric}
    assert float(values["Largest difference of the logits"]) < 1e-4
    assert values["Speed"].startswith("×")
    assert headings(page) == [*LIVE, "Claims and measurements"]
    assert "it folds into the convolution" in text(page)


@pytest.mark.usefixtures("nothing_recorded")
def test_the_modes_are_measured_live(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(train_or_eval, "SIZES", (2, 16))
    monkeypatch.setattr(train_or_eval, "ONE_CLASS_SIZES", (4,))
    monkeypatch.setattr(train_or_eval, "MEASURED", 64)
    before = len(page.get("plotly_chart"))
    page.button("bn.measure").click().run(timeout=120)
    assert not page.exception
    assert len(page.get("plotly_chart")) == before + 1
    points = page.session_state["bn.modes"]
    assert [size for size, _ in points["mixed"]] == [2, 16]
    assert all(0 <= value <= 1 for values in points.values() for _, value in values)
    assert points["mixed"][1][1] > points["one class"][0][1]  # mixed batches serve it better


@pytest.mark.usefixtures("nothing_recorded")
def test_the_race_runs_and_can_be_stopped(page: AppTest) -> None:
    page.button("bn.race.start").click().run(timeout=60)
    train_side_by_side: live_training.Race = page.session_state["bn.race"]
    assert train_side_by_side.running
    deadline = time.monotonic() + 30
    while len(train_side_by_side.laps) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    page.run(timeout=60)
    assert "Training: step" in text(page)
    page.button("bn.race.stop").click().run(timeout=60)
    assert train_side_by_side.thread is not None
    train_side_by_side.thread.join(10)
    assert not train_side_by_side.running
    page.run(timeout=60)
    assert "Finished: step" in text(page)
    assert train_side_by_side.laps[-1].seconds < live_training.SECONDS
    assert page.button("bn.race.start").label == "Start the race"


def test_no_more_races_than_the_machine_has_tracks_for() -> None:
    races = [live_training.Race(0.1) for _ in range(3)]
    try:
        for train_side_by_side in races:
            train_side_by_side.start()
        assert [bool(train_side_by_side.problem) for train_side_by_side in races] == [
            False,
            False,
            True,
        ]
        assert races[2].problem.endswith(".")
    finally:
        for train_side_by_side in races:
            train_side_by_side.stopped.set()
            if train_side_by_side.thread:
                train_side_by_side.thread.join(10)
    assert not any(train_side_by_side.running for train_side_by_side in races)
    again = live_training.Race(0.1)
    again.start()
    assert not again.problem  # the tracks were given back
    again.stopped.set()
    assert again.thread is not None
    again.thread.join(10)
