"""The BatchNorm page, without a browser, with the trained network and made-up experiments."""

from __future__ import annotations

import inspect
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import zoo
from pages.sections.batch_norm import (
    claims,
    in_code,
    live_steps,
    live_training,
    norm_inputs,
    recorded_series,
    train_or_eval,
)
from tests.pages import read
from tests.pages.conftest import open_page
from tests.training.experiments import norm_experiments
from zoo import batch_norm, experiments
from zoo.batch_norm import companies
from zoo.experiments import spread
from zoo.networks.numpy_cnn import batch_normalization
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm

LIVE = ["See it", "train() is not eval()", "Race", "Fold it", "In code"]
RECORDED = ["Why does it help?", "In every layer?", "Small batches", "In a deep network"]


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for zoo/experiments: all BatchNorm experiments."""
    norm_experiments.write(tmp_path)
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def nothing_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)


@pytest.fixture
def page() -> AppTest:
    return open_page("batch_norm")


def text(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption, *page.latex])


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.header]


@pytest.mark.usefixtures("nothing_recorded")
def test_without_experiments_the_live_sections_stand_alone(page: AppTest) -> None:
    assert not page.exception
    assert headings(page) == LIVE
    assert not read.components(page, "verdict_table")


@pytest.mark.parametrize(
    ("difference", "half", "verdict"),
    [
        (0.013, 0.004, "yes"),  # it gains: what is not needed may even do harm
        (0.002, 0.008, "yes"),
        (-0.004, 0.008, "no measurable difference"),  # perhaps it loses more than a point
        (-0.02, 0.005, "not here"),
    ],
)
def test_what_is_not_needed_loses_nothing_that_counts(difference, half, verdict) -> None:
    assert spread.verdict([spread.Spread(difference, half, 3)], loss=0.01) == verdict


@pytest.mark.usefixtures("made_up")
def test_the_verdicts_come_first_and_each_leads_to_a_figure_of_the_page(page: AppTest) -> None:
    assert not page.exception
    assert headings(page) == [*LIVE[:3], *RECORDED, *LIVE[3:]]
    (table,) = read.components(page, "verdict_table")
    assert [row["claim"] for row in table["rows"]] == [c.claim for c in claims.claims()]
    anchors = {heading.proto.anchor for heading in [*page.header, *page.subheader]}
    assert {row["anchor"] for row in table["rows"]} <= anchors
    links = next(m.value for m in page.markdown if m.value.startswith("[See it](#steps)"))
    assert set(re.findall(r"\(#(\w+)\)", links)) <= anchors
    commands = [block.value for block in page.code if block.value.startswith("python -m")]
    assert len(commands) == len(set(commands)) == 8  # once a figure, and no figure twice


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


def test_the_verdicts_follow_the_rule(made_up: Path) -> None:
    table = {(claim.claim, claim.anchor): claim for claim in claims.claims()}
    verdicts = {claim: found.verdict for (claim, _), found in table.items()}
    assert verdicts["Ends more accurate"] == "yes"
    assert verdicts["Trains faster (14 × on ImageNet)"] == "yes"
    assert verdicts["Belongs before the activation"] == "no measurable difference"
    assert verdicts["Needs no bias in front of it"] == "yes"
    assert verdicts["Does not belong on the logits"] == "not here"
    assert verdicts["Makes the loss smoother"] == "mixed"  # the gradient's change, not the loss
    assert verdicts["Reduces internal covariate shift"] == "yes"
    assert verdicts["Folds away at inference"] == "yes"
    assert table["ResNets do not need it", "depth"].verdict == "not here"
    assert verdicts["SkipInit replaces it in ResNets"] == "yes"
    accurate = table["Ends more accurate", "speed"].number
    assert accurate.startswith("87.0\xa0% and 81.0\xa0%: +6.0 ± ")
    assert accurate.endswith("points, n\xa0=\xa03")
    (made_up / "batch_norm_where.json").unlink()
    assert len(claims.claims()) == len(table) - 3


@pytest.mark.usefixtures("made_up")
def test_small_batches_stand_beside_what_was_published(page: AppTest) -> None:
    said = next(c.value for c in page.caption if "ImageNet" in c.value)
    assert "at 2 images: +10.6 points in a ResNet-50" in said
    assert "+8.0 in these" in said


def test_two_seeds_are_too_few_to_say(made_up: Path) -> None:
    path = made_up / "batch_norm_speed.json"
    content = json.loads(path.read_text())
    content["rows"] = [row for row in content["rows"] if row["seed"] < 2]
    path.write_text(json.dumps(content))
    found = next(c for c in claims.claims() if c.claim == "Ends more accurate")
    assert found.verdict == "too few seeds to say"
    assert "±" not in found.number


def test_no_noise_decides_between_learning_rates(made_up: Path) -> None:
    """Of rates that lie as close together as the seeds do, the lowest counts."""
    path = made_up / "batch_norm_speed.json"
    content = json.loads(path.read_text())
    found = recorded_series.recorded("batch_norm_speed")
    assert found is not None
    runs = recorded_series.final(found, norm="batch")
    assert runs is not None
    assert runs.rate == 0.1
    for row in content["rows"]:
        if (row["norm"], row["learning_rate"]) == ("batch", 0.5):
            row["accuracy"] = 0.8702 + 0.01 * (row["seed"] - 1)
    path.write_text(json.dumps(content))
    found = recorded_series.recorded("batch_norm_speed")
    assert found is not None
    assert recorded_series.final(found, norm="batch") == runs


def test_curves_go_on_with_what_a_diverged_run_ended_with(made_up: Path) -> None:
    found = recorded_series.recorded("batch_norm_speed")
    assert found is not None
    low, middle, high = recorded_series.learning_curve(found, "batch", 0.1)
    assert len(middle) == norm_experiments.EPOCHS
    assert low[-1][1] < middle[-1][1] < high[-1][1]
    assert len(recorded_series.learning_curve(found, "none", 0.5)[1]) == 1
    _, rates, grid = recorded_series.accuracy_grid(found)
    assert rates == [0.02, 0.1, 0.5]
    assert grid[0][1] == pytest.approx(0.87)


def gamma_slider(page: AppTest) -> Any:
    return next(slider for slider in page.slider if slider.label.startswith("γ"))


@pytest.mark.usefixtures("nothing_recorded")
def test_gamma_changes_histograms_and_answer(page: AppTest) -> None:
    """The network with a learned γ is there first, at a channel whose γ decides answers."""
    subject = norm_inputs.subject("mnist")
    layer = batch_norm.layer_names(subject.network)[0]
    steps = batch_norm.three_steps(subject.network, layer, subject.inputs[: live_steps.COUNT])
    assert steps.trained_gamma
    channel = int(np.abs(steps.gamma).argmax())
    own = steps.channel(channel)
    assert f"μ = {own.mean:.2f} and σ = {math.sqrt(own.variance):.2f}" in text(page)
    assert "The answer stays" in text(page)

    gamma_slider(page).set_value(-2.0).run(timeout=60)
    assert not page.exception
    shown = text(page)
    assert f"σ = {2 * float(own.normalized.std()):.2f}" in shown
    assert "The answer turns from" in shown  # of the image that hangs most on this channel
    gamma, beta = steps.gamma.copy(), steps.beta.copy()
    gamma[channel], beta[channel] = -2.0, round(own.beta, 2)
    effect = batch_norm.effect(
        subject.network, layer, subject.inputs[: live_steps.COUNT], gamma, beta
    )
    right = effect.right(subject.labels[: live_steps.COUNT])
    assert right[1] < right[0]
    assert f"{right[0]} → **{right[1]}** are right" in shown

    page.session_state["bn.scope"] = live_steps.ALL
    page.run(timeout=60)
    _, all_right = re.findall(r"(\d+) → \*\*(\d+)\*\* are right", text(page))[0]
    assert int(all_right) < right[1] / 2  # the whole layer turned round: hardly anything is right

    page.button("bn.reset").click().run(timeout=60)
    assert gamma_slider(page).value == round(own.gamma, 2)


@pytest.mark.parametrize("scope", [live_steps.ONE, live_steps.ALL])
def test_the_sliders_move_a_channel_or_all(scope: str) -> None:
    subject = norm_inputs.subject("mnist")
    layer = batch_norm.layer_names(subject.network)[1]
    steps = batch_norm.three_steps(subject.network, layer, subject.inputs[:2])
    own = float(steps.gamma[3]), float(steps.beta[3])
    same = live_steps.changed(steps, 3, *own, scope)
    np.testing.assert_allclose(same, (steps.gamma, steps.beta), rtol=1e-6)
    gamma, beta = live_steps.changed(steps, 3, 2 * own[0], own[1] + 1, scope)
    moved = np.arange(steps.channels) == 3
    if scope == live_steps.ALL:
        moved[:] = True
    np.testing.assert_allclose(gamma, np.where(moved, 2, 1) * steps.gamma, rtol=1e-6)
    np.testing.assert_allclose(beta, steps.beta + moved, atol=1e-6)


@pytest.mark.usefixtures("nothing_recorded")
def test_the_strips_show_images_and_the_first_one_flips_in_training_mode(page: AppTest) -> None:
    strips = read.components(page, "thumbnails")
    for strip in strips:
        (group,) = strip["groups"]
        assert len(group["items"]) == 10
        assert strip["selected"] == group["items"][0]["id"]
    subject = norm_inputs.subject("cifar10")
    chosen = int(strips[1]["selected"])
    assert (
        int(np.argmax(train_or_eval.evaluated(subject, subject.key, chosen)))
        == (subject.labels[chosen])
    )
    drawn = train_or_eval.answers_in(subject, subject.key, chosen, 16)
    wrong = int((drawn.argmax(axis=1) != subject.labels[chosen]).sum())
    assert wrong > 0
    found = re.findall(r"\*\*(\d+) of (\d+)\*\* batches", text(page))
    assert int(found[0][0]) >= wrong
    assert int(found[0][1]) == 1 + 3 * companies.DRAWS


@pytest.mark.usefixtures("nothing_recorded")
def test_folding_is_measured_here(page: AppTest) -> None:
    assert not page.metric
    page.button("bn.fold").click().run(timeout=60)
    assert not page.exception
    values = {metric.label: metric.value for metric in page.metric}
    power = values["Logits changed by at most"].rpartition("10⁻")[2]
    assert int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))) > 4
    assert values["Speed"].startswith("×")
    assert "measured on this server just now" in text(page)


@pytest.mark.usefixtures("made_up")
def test_folding_shows_the_record_at_once(page: AppTest) -> None:
    assert "**9 of 9** layers fold away" in text(page)
    assert "change by at most **4\xa0×\xa010⁻⁶**" in text(page)
    assert not page.metric  # times of another machine, which others used


@pytest.mark.usefixtures("nothing_recorded")
def test_the_code_on_the_page_is_the_code_that_runs(page: AppTest) -> None:
    names: dict[str, Any] = {}
    page.button_group(key="bn.code").set_value(in_code.PYTORCH).run(timeout=60)
    example = next(block.value for block in page.code if "import torch" in block.value)
    assert len([line for line in example.splitlines() if line.strip()]) <= 25
    exec(example, names)
    assert names["loss"].item() > 0
    assert names["answer"].shape == (1,)
    assert not any("BatchNorm" in type(m).__name__ for m in names["network"].modules())
    forward = in_code.source(BatchNorm.forward)
    assert forward.startswith("def forward(self")
    assert '"""' not in forward
    file = inspect.getsource(batch_normalization)
    assert all(line.strip() in file for line in forward.splitlines())


@pytest.mark.usefixtures("nothing_recorded")
def test_the_modes_are_measured_live(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_or_eval, "SIZES", (2, 16))
    monkeypatch.setattr(train_or_eval, "ONE_CLASS_SIZES", (4,))
    monkeypatch.setattr(train_or_eval, "MEASURED", 64)
    read.to_the_end(page)
    before = len(page.get("plotly_chart"))
    page.button("bn.measure").click().run(timeout=120)
    read.to_the_end(page)
    assert not page.exception
    assert len(page.get("plotly_chart")) == before + 1
    points = page.session_state["bn.modes"]
    assert [size for size, _ in points["mixed"]] == [2, 16]
    assert points["mixed"][1][1] > points["one class"][0][1]  # mixed batches serve it better
    page.run(timeout=60)
    assert len(page.get("plotly_chart")) == before + 1  # it stays
    assert "With markers" in text(page)


@pytest.mark.usefixtures("made_up")
def test_a_recorded_race_plays_at_once(page: AppTest) -> None:
    (drawn,) = read.components(page, "race_curves")
    assert drawn["curves"]["with BatchNorm"][-1] == [16, pytest.approx(0.96)]
    assert drawn["curves"]["without"][-1] == [16, pytest.approx(0.81)]
    assert drawn["replay"]
    assert drawn["steps"] == 16


@pytest.mark.usefixtures("nothing_recorded")
def test_the_race_runs_can_be_stopped_and_stays_as_thin_lines(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_training, "SECONDS", 900.0)  # nobody but the visitor ends it
    page.button("bn.race.start").click().run(timeout=60)
    race: live_training.Race = page.session_state["bn.race"]
    assert race.running
    deadline = time.monotonic() + 120
    while len(race.laps) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    page.run(timeout=60)
    (drawn,) = read.components(page, "race_curves")
    assert drawn["words"].startswith("Training: step")
    page.button("bn.race.stop").click().run(timeout=60)
    assert race.thread is not None
    race.thread.join(60)
    assert not race.running
    page.run(timeout=60)
    (drawn,) = read.components(page, "race_curves")
    assert drawn["words"].startswith("Finished: step")
    assert not drawn["earlier"]

    page.button("bn.race.start").click().run(timeout=60)
    again: live_training.Race = page.session_state["bn.race"]
    deadline = time.monotonic() + 120
    while not again.laps and time.monotonic() < deadline:
        time.sleep(0.05)
    page.run(timeout=60)
    again.stopped.set()
    assert again.thread is not None
    again.thread.join(60)
    page.run(timeout=60)
    (drawn,) = read.components(page, "race_curves")
    assert [len(one["curves"]["without"]) for one in drawn["earlier"]] == [len(race.laps)]


@pytest.mark.usefixtures("nothing_recorded")
def test_a_link_holds_the_races_learning_rate() -> None:
    page = open_page("batch_norm", rate="0.3")
    assert page.select_slider("bn.race.rate").value == 0.3


@pytest.mark.usefixtures("nothing_recorded")
def test_a_link_holds_the_channel_its_gamma_and_beta() -> None:
    subject = norm_inputs.subject("mnist")
    layer = batch_norm.layer_names(subject.network)[1]
    wanted = {"layer": layer, "channel": "5", "gamma": "-1.5", "beta": "0.25", "move": "Layer"}
    page = open_page("batch_norm", **wanted)
    assert not page.exception
    assert gamma_slider(page).value == -1.5
    assert f"bn.gamma.mnist.{layer}.5" == gamma_slider(page).key
    held = next(p["choices"] for p in read.components(page, "link") if "gamma" in p["choices"])
    assert {name: value for name, value in held.items() if value is not None} == wanted
    page.button("bn.reset").click().run(timeout=60)
    held = next(p["choices"] for p in read.components(page, "link") if "gamma" in p["choices"])
    assert held["gamma"] is held["beta"] is None  # as usual needs no place in a link

    page.switch_page("pages/about.py").run()
    page.switch_page("pages/batch_norm.py").run(timeout=60)
    assert gamma_slider(page).key == f"bn.gamma.mnist.{layer}.5"  # it is where it was left


@pytest.mark.usefixtures("nothing_recorded")
@pytest.mark.parametrize(
    "wrong",
    [{"layer": "no"}, {"channel": "9999"}, {"network": "x", "gamma": "99"}, {"gamma": "nan"}],
)
def test_a_link_that_makes_no_sense_opens_the_page_as_usual(wrong: dict[str, str]) -> None:
    page = open_page("batch_norm", **wrong)
    assert not page.exception
    subject = norm_inputs.subject("mnist")
    layer = batch_norm.layer_names(subject.network)[0]
    assert (gamma_slider(page).key or "").startswith(f"bn.gamma.mnist.{layer}.")
    assert gamma_slider(page).value <= gamma_slider(page).max


def test_no_more_races_than_the_machine_has_tracks_for() -> None:
    races = [live_training.Race(0.1) for _ in range(3)]
    try:
        for race in races:
            race.start()
        assert [bool(race.problem) for race in races] == [
            False,
            False,
            True,
        ]
        assert races[2].problem.endswith(".")
    finally:
        for race in races:
            race.stopped.set()
            if race.thread:
                race.thread.join(10)
    assert not any(race.running for race in races)
    again = live_training.Race(0.1)
    again.start()
    assert not again.problem  # the tracks were given back
    again.stopped.set()
    assert again.thread is not None
    again.thread.join(10)


@pytest.mark.usefixtures("made_up")
def test_a_variant_far_below_the_best_does_not_squeeze_the_others(page: AppTest) -> None:
    read.to_the_end(page)
    charts = {chart.proto.id: json.loads(chart.proto.spec) for chart in page.get("plotly_chart")}
    (near,) = (chart for key, chart in charts.items() if "bn.depth.near" in key)
    (far,) = (chart for key, chart in charts.items() if "bn.depth.far" in key)
    names = [[row["y"][0].partition(" (")[0] for row in chart["data"]] for chart in (near, far)]
    assert names == [
        ["residual, BatchNorm", "residual, SkipInit", "residual, GroupNorm"],
        ["residual, none", "plain, BatchNorm", "plain, none"],
    ]
    form = [chart["layout"]["xaxis"]["tickformat"] for chart in (near, far)]
    assert form == [".1f", ".0f"], "the ticks of a narrow axis would read 80 %, 80 %, 81 %, 81 %"
