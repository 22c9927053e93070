"""The page Experiments: all of them with what their rows hold, and new ones without new code."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from pages.common import charts
from pages.sections.experiments import (
    chart_plans,
    experiment_detail,
    row_charts,
    subjects,
    words,
)
from pages.sections.experiments.chart_plans import ChartPlan
from tests.pages import read
from tests.pages.conftest import open_page


def opened(name: str) -> AppTest:
    page = open_page("experiments", experiment=name)
    assert not page.exception
    return page


def held(page: AppTest) -> dict[str, str | None]:
    """Return what the page puts into its address."""
    (link,) = read.components(page, "link")
    return link["choices"]


def figure(page: AppTest) -> dict[str, Any]:
    (chart,) = page.get("plotly_chart")
    return json.loads(chart.proto.spec)


def drawn(page: AppTest, mode: str) -> int:
    """Return how many points the chart has in traces of a mode."""
    return sum(len(trace["x"]) for trace in figure(page)["data"] if trace["mode"] == mode)


def test_every_experiment_has_a_card_and_a_subject() -> None:
    page = open_page("experiments")
    assert not page.exception
    text = [block.value for block in page.markdown]
    for name in zoo.list_experiments():
        assert f"**{zoo.experiment(name).question}**" in text
    found = {subjects.subject(zoo.experiment(name)) for name in zoo.list_experiments()}
    assert "Other" not in found
    page = page.button_group(key="subject").set_value("BatchNorm").run()
    shown = [button.key for button in page.button if str(button.key).startswith("open-")]
    assert shown
    assert all("batch_norm" in str(key) for key in shown)


@pytest.mark.parametrize("name", zoo.list_experiments())
def test_each_opens_with_finding_chart_limits_and_command(name: str) -> None:
    experiment = zoo.experiment(name)
    page = opened(name)
    assert page.header[0].value == experiment.question
    assert figure(page)["data"]
    assert any(block.value.startswith("**Limits.**") for block in page.markdown)
    assert experiment.command in [block.value for block in page.code]
    assert any(str(experiment.git_commit)[:7] in caption.value for caption in page.caption)
    assert len(page.dataframe[0].value) == len(experiment.rows)


def test_a_card_opens_its_experiment_and_the_list_comes_back() -> None:
    page = open_page("experiments")
    page = page.button(key="open-unet_skips").click().run()
    assert page.header[0].value == zoo.experiment("unet_skips").question
    page = page.button[0].click().run()
    assert page.title[0].value == "Experiments"


def test_every_seed_is_a_dot_and_the_mean_a_tick() -> None:
    page = opened("unet_losses")
    dots, ticks = figure(page)["data"]
    rows = zoo.experiment("unet_losses").rows
    assert sorted(dots["x"]) == pytest.approx(sorted(100 * row["iou"] for row in rows))  # percent
    for loss, mean in zip(ticks["y"], ticks["x"], strict=True):
        own = [100 * row["iou"] for row in rows if row["loss"] == loss]
        assert mean == pytest.approx(sum(own) / len(own))
    page = page.selectbox(key="measure-unet_losses").set_value("street_iou").run()
    shown = sorted(figure(page)["data"][0]["x"])
    assert shown == pytest.approx(sorted(100 * row["street_iou"] for row in rows))


@pytest.mark.parametrize("name", zoo.list_experiments())
def test_no_two_ticks_of_an_axis_read_alike(name: str) -> None:
    rows = zoo.experiment(name).rows
    plan = chart_plans.plan(name, rows)
    rows = plan.drawn(rows) if plan else rows
    for measure in plan.measures if plan and not plan.log else ():
        found = row_charts.points(rows, plan, measure)
        values = [value for of in found.values() for each in of.values() for value in each]
        if len(set(values)) < 2:
            continue
        share = words.is_share(rows, measure)
        form, step = row_charts._form(found, share), charts.tick_step(max(values) - min(values))
        first = math.floor(min(values) / step)
        ticks = [round(n * step, 15) for n in range(first, math.ceil(max(values) / step) + 1)]
        written = [format(tick, form.replace("~", "")) for tick in ticks]
        assert len(set(written)) == len(ticks), (measure, form, written)


def test_a_choice_shows_its_rows_alone() -> None:
    page = opened("object_size")
    rows = zoo.experiment("object_size").rows
    own = [row for row in rows if row["network"] == rows[0]["network"]]
    assert drawn(page, "lines+markers") == len(own) < len(rows)


def test_a_link_holds_what_the_chart_shows() -> None:
    page = open_page("experiments", experiment="batch_norm_race", choice="0.03", measure="nonsense")
    rows = zoo.experiment("batch_norm_race").rows
    rates = list(dict.fromkeys(f"{row['learning_rate']:g}" for row in rows))
    assert "0.03" in rates[1:]
    chosen = page.button_group(key="choose-batch_norm_race")
    assert chosen.value == 0.03
    assert held(page) == {"experiment": "batch_norm_race", "choice": "0.03", "measure": None}
    page = chosen.set_value(float(rates[0])).run()
    assert held(page)["choice"] is None
    page = open_page("experiments", experiment="unet_losses", measure="street_iou")
    assert page.selectbox(key="measure-unet_losses").value == "street_iou"
    page = page.button[0].click().run()
    assert set(held(page).values()) == {None}


def test_the_rows_can_be_taken_as_csv() -> None:
    rows = zoo.experiment("unet_vs_pytorch_unet").rows
    read = list(csv.DictReader(io.StringIO(experiment_detail.as_csv(rows))))
    assert len(read) == len(rows)
    assert [float(row["iou"]) for row in read] == [row["iou"] for row in rows]
    assert json.loads(read[0]["test_cars"]) == rows[0]["test_cars"]
    assert read[0]["street_iou"] == ""


SEEDS = (0, 1, 2)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (  # names of variants, each with a learning rate of its own
            [
                {"order": o, "seed": s, "learning_rate": r, "accuracy": 0.5, "train_loss": 1.0}
                for o, r in (("shuffled", 0.1), ("sorted", 0.01))
                for s in SEEDS
            ],
            ChartPlan(("accuracy", "train_loss"), by=("order",)),
        ),
        (  # an axis of numbers, a line a name
            [
                {"source": o, "workers": w, "round": s, "step_ms": 2.0 + w}
                for o in ("memory", "disk")
                for w in (0, 1, 2, 4)
                for s in SEEDS
            ],
            ChartPlan(("step_ms",), x="workers", by=("source",)),
        ),
        (  # a yes and a no
            [{"skips": o, "seed": s, "iou": 0.9} for o in (True, False) for s in SEEDS],
            ChartPlan(("iou",), by=("skips",)),
        ),
        ([{"name": "a", "note": "nothing that is measured"}], None),
    ],
)
def test_a_table_nobody_has_seen_gets_a_chart(rows: list[dict], expected: ChartPlan | None) -> None:
    found = chart_plans.guess(rows)
    assert found == expected
    if found:
        values = row_charts.points(rows, found, found.measures[0])
        assert sum(len(v) for of in values.values() for v in of.values()) == len(rows)


@pytest.mark.parametrize("name", zoo.list_experiments())
def test_a_chart_has_few_lines_most_through_several_points(name: str) -> None:
    """A measured number that is taken for an axis has a line, with one point, a row."""
    rows = zoo.experiment(name).rows
    plan = chart_plans.plan(name, rows)
    assert plan
    rows = plan.drawn(rows)
    for chosen in {row[plan.choose] for row in rows} if plan.choose else {None}:
        seen = [row for row in rows if not plan.choose or row[plan.choose] == chosen]
        found = row_charts.points(seen, plan, plan.measures[0])
        assert max(map(len, found)) <= 60
        if plan.scatter:
            assert all(len(of) == 1 for of in found.values())
        elif plan.x:
            assert len(found) <= 10
            assert sum(len(of) > 1 for of in found.values()) > len(found) / 2


def test_the_search_for_a_learning_rate_is_no_dot_of_the_chart() -> None:
    rows = zoo.experiment("batch_norm_speed").rows
    final = {norm: [100 * r["accuracy"] for r in rows if (r["norm"], r["stage"]) == (norm, "final")]
             for norm in ("batch", "none")}  # fmt: skip
    dots = figure(opened("batch_norm_speed"))["data"][0]
    assert len(dots["x"]) < len(rows)
    for norm, accuracies in final.items():
        shown = [x for x, name in zip(dots["x"], dots["y"], strict=True) if name == norm]
        assert shown == pytest.approx(accuracies)
    without = [{k: v for k, v in row.items() if k != "stage"} for row in rows]
    plan = chart_plans.plan("batch_norm_speed", without)
    assert plan
    assert plan.drawn(without) == without


def test_a_table_recorded_again_with_other_columns_is_guessed() -> None:
    rows = [{"kind": "a", "accuracy": 0.5}, {"kind": "b", "accuracy": 0.6}]
    assert chart_plans.plan("object_size", rows) == ChartPlan(("accuracy",), by=("kind",))
