"""The interview's content: every number is a reference, every experiment and command exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

import zoo
from pages.common import site
from pages.sections.interview import (
    live_pieces,
    measured_chart,
    question_screens,
    recorded_figure,
    visitor_guess,
)
from pages.sections.interview.question_file import (
    SCENARIOS,
    Chart,
    Option,
    Prediction,
    Question,
    QuestionFileError,
    Scale,
    questions,
    read,
)

ROOT = Path(__file__).parents[2]
ALL = pytest.mark.parametrize("question", questions(), ids=lambda q: f"q{q.number}")


def texts(question: Question) -> Iterator[str]:
    """Yield every text of a question in which a figure may stand."""
    yield from (question.ask, question.teaser, question.limits)
    yield from (*question.answer, *question.why, *question.points)
    for prediction in question.predictions:
        yield from (prediction.ask, prediction.lesson)
    for one in question.follow_ups:
        yield from (one.ask, one.answer, *one.points)
    for claim in question.wrong:
        yield from (claim.claim, claim.refuted)


def charts(question: Question) -> Iterator[Chart]:
    yield from (prediction.chart for prediction in question.predictions)
    yield from (one.chart for one in question.follow_ups if one.chart is not None)


def awaits(text: str) -> bool:
    """Return whether a text speaks of an experiment that is not recorded yet."""
    found = [recorded_figure.experiments(one) for one in recorded_figure.references(text)]
    return not all(recorded_figure.is_recorded(name) for names in found for name in names)


def recorded_predictions() -> list[Prediction]:
    return [
        prediction
        for question in questions()
        for prediction in question.predictions
        if recorded_figure.is_recorded(prediction.chart.experiment)
    ]


def is_measured_by_a_module(experiment: str) -> bool:
    rooms = (ROOT / "training" / room for room in ("experiments", "benchmarks"))
    return any(list(room.rglob(f"{experiment}.py")) for room in rooms)


def test_there_are_twelve_in_four_scenarios() -> None:
    assert [question.number for question in questions()] == list(range(1, 13))
    assert {question.scenario for question in questions()} == set(SCENARIOS)


@ALL
def test_every_reference_of_a_recorded_experiment_resolves(question: Question) -> None:
    for text in texts(question):
        for reference in recorded_figure.references(text):
            missing = {
                name
                for name in recorded_figure.experiments(reference)
                if not recorded_figure.is_recorded(name)
            }
            assert missing <= set(question.awaits), "neither recorded nor awaited"
        if not awaits(text):
            assert "{{" not in recorded_figure.text(text)


@ALL
def test_no_measurement_is_typed(question: Question) -> None:
    for text in texts(question):
        bare = recorded_figure.REFERENCE.sub("", text)
        for typed in sorted(question.typed, key=len, reverse=True):
            bare = bare.replace(typed, "")
        found = re.findall(r".{0,25}[0-9⁻].{0,15}", bare)
        assert not found, f"a figure that refers to nothing: {found}"


@ALL
def test_nothing_is_excused_that_is_not_written(question: Question) -> None:
    written = " ".join(texts(question))
    assert [typed for typed in question.typed if typed not in written] == []


@ALL
def test_every_chart_draws_or_waits_for_its_experiment(question: Question) -> None:
    for chart in charts(question):
        assert len(chart.scale.label) <= 46, f"cut off on a phone: {chart.scale.label}"
        if recorded_figure.is_recorded(chart.experiment):
            drawn = measured_chart.drawing(chart, "chart")
            lines = [group["values"] for group in drawn["groups"]]
            lines += drawn["curve"]["values"] if chart.curve else []
            inside = [chart.scale.low <= value <= chart.scale.high for v in lines for value in v]
            assert inside
            assert all(inside), f"{chart.title}: a value lies outside the axis"
        else:
            assert chart.experiment in question.awaits


@ALL
def test_every_experiment_exists_or_has_a_module_that_measures_it(question: Question) -> None:
    for name in question_screens.experiments(question):
        if not recorded_figure.is_recorded(name) and name != "unet_alternatives":
            assert is_measured_by_a_module(name), f"nothing measures {name}"


@ALL
def test_every_command_can_be_parsed(question: Question) -> None:
    for name in question_screens.experiments(question):
        if recorded_figure.is_recorded(name):
            python, dash_m, module, *options = shlex.split(zoo.experiment(name).command)
            assert (python, dash_m) == ("python", "-m")
            assert importlib.util.find_spec(module), module
            assert options[0] == "--data-dir"


@ALL
def test_what_is_called_wrong_is_refuted_by_what_is_measured(question: Question) -> None:
    for claim in question.wrong:
        if claim.when and not awaits(f"{{{{{claim.when}|fixed}}}}"):
            assert recorded_figure.value(claim.when), claim.claim


@ALL
def test_a_question_is_whole(question: Question) -> None:
    assert 2 <= len(question.follow_ups) <= 5
    assert len(question.wrong) >= 2
    assert len(question.sources) >= 2
    assert 3 <= len(question_screens.said(question.points)) <= 6
    assert question.answer
    assert not question.live or question.live in live_pieces.PIECES
    pages = {PurePosixPath(entry.path).stem for entry in site.ENTRIES}
    assert set(question.again) <= pages
    assert all(source.url.startswith("http") for source in question.sources)


@pytest.mark.parametrize("prediction", recorded_predictions(), ids=lambda p: p.chart.title[:30])
def test_nothing_of_the_answer_is_sent_before_the_guess(prediction: Prediction) -> None:
    sent = measured_chart.asked(prediction, "q")
    assert sent["revealed"] is False
    assert all(group["values"] is None for group in sent["groups"] if not group["known"])
    assert "values" not in sent.get("curve", {})
    assert all(set(option) == {"label"} for option in sent["options"])
    assert not sent.get("verdict")
    if prediction.kind == "order":  # nor by the order in which the items come
        values = [visitor_guess.group_values(group) for group in prediction.chart.groups]
        means = [sum(v) / len(v) for v in values]
        assert means != sorted(means, reverse=True)


@pytest.mark.parametrize("prediction", recorded_predictions(), ids=lambda p: p.chart.title[:30])
def test_a_choice_has_one_right_option_and_a_number_one_unknown(prediction: Prediction) -> None:
    if prediction.kind == "choice":
        assert visitor_guess.right_option(prediction) is not None
    if prediction.kind == "number":
        assert [group.known for group in prediction.chart.groups].count(False) == 1


def guesses(prediction: Prediction) -> list:
    scale = prediction.chart.scale
    if prediction.kind == "choice":
        return [0, len(prediction.options) - 1]
    if prediction.kind == "order":
        return [list(range(len(prediction.chart.groups)))[::-1]]
    if prediction.kind == "curve":
        assert prediction.chart.curve is not None
        count = len(prediction.chart.curve.at)
        return [[visitor_guess.value_at(scale, i / count) for i in range(count)]]
    return [scale.low, scale.high, visitor_guess.value_at(scale, 0.37)]


@pytest.mark.parametrize("prediction", recorded_predictions(), ids=lambda p: p.chart.title[:30])
def test_a_guess_survives_the_link(prediction: Prediction) -> None:
    for guess in guesses(prediction):
        letters = visitor_guess.encode(prediction, guess)
        assert re.fullmatch(r"[\w-]+", letters)
        back = visitor_guess.decode(prediction, letters)
        scale = prediction.chart.scale
        if prediction.kind in ("choice", "order"):
            assert back == guess
        else:
            many = guess if isinstance(guess, list) else [guess]
            again = back if isinstance(back, list) else [back]
            for one, two in zip(many, again, strict=True):
                assert visitor_guess.place(scale, two) == pytest.approx(
                    visitor_guess.place(scale, one), abs=0.01
                )


@pytest.mark.parametrize("prediction", recorded_predictions(), ids=lambda p: p.chart.title[:30])
@pytest.mark.parametrize(
    "sent", [None, "0.9", float("nan"), [], {}, [None] * 10, True, 99, -1, [[1]], ["a"] * 10]
)
def test_what_is_no_guess_is_none_or_brought_onto_the_axis(prediction, sent) -> None:
    found = visitor_guess.checked(prediction, sent)
    if found is not None:
        assert prediction.kind == "number"
        assert prediction.chart.scale.low <= found <= prediction.chart.scale.high


def test_a_perfect_guess_is_close_and_says_so() -> None:
    for prediction in recorded_predictions():
        scale = prediction.chart.scale
        if prediction.kind == "number":
            perfect = visitor_guess.answer(prediction)
        elif prediction.kind == "choice":
            perfect = visitor_guess.right_option(prediction)
        elif prediction.kind == "curve":
            curves = visitor_guess.curve_values(prediction.chart)
            perfect = [visitor_guess.middle(scale, values) for values in curves]
        else:
            values = [visitor_guess.group_values(group) for group in prediction.chart.groups]
            means = [sum(v) / len(v) for v in values]
            perfect = sorted(range(len(means)), key=lambda i: -means[i])
        assert visitor_guess.is_close(prediction, perfect)
        said = visitor_guess.verdict(prediction, perfect)
        assert re.match("Exactly|Close|Right|All of it", said)
        assert prediction.kind == "curve" or " off" not in said.partition(".")[0]


def test_two_within_their_seeds_are_a_tie() -> None:
    """Over BatchNorm's places: nothing but "nowhere" differs by more than its seeds do."""
    chart = next(
        one.chart for one in questions()[10].follow_ups if one.chart and one.chart.groups[0].values
    )
    assert chart is not None
    labels = [group.label for group in chart.groups]
    nowhere = labels.index("Nowhere")
    others = [i for i in range(len(labels)) if i != nowhere]
    last_right, pairs = visitor_guess.pairs_in_order(chart, [*others, nowhere])
    first_right, _ = visitor_guess.pairs_in_order(chart, [nowhere, *others])
    assert last_right > first_right
    assert pairs == len(labels) * (len(labels) - 1) // 2


def test_a_reference_says_what_is_wrong_with_it() -> None:
    with pytest.raises(recorded_figure.NotRecordedError, match="no_such"):
        recorded_figure.value("no_such.mean(iou)")
    for broken in (
        "unet_skips.mean(iou, skips=maybe)",
        "unet_skips.guess(iou)",
        "__import__('os')",
        "unet_skips.raw('nothing.here')",
        "1 if 1 else 2",
    ):
        with pytest.raises(recorded_figure.BrokenReferenceError):
            recorded_figure.value(broken)
    with pytest.raises(recorded_figure.BrokenReferenceError):
        recorded_figure.text("{{unet_skips.mean(iou)}}")


def test_a_reference_is_the_mean_of_its_rows() -> None:
    rows = [row["iou"] for row in zoo.experiment("unet_skips").rows if row["skips"] is False]
    found = recorded_figure.value("unet_skips.mean(iou, skips=false)")
    assert found == pytest.approx(sum(rows) / len(rows))
    assert recorded_figure.value("unet_skips.rows(skips=false) * 2 - 1") == 2 * len(rows) - 1


def test_a_file_that_lacks_something_is_refused_in_a_sentence(tmp_path) -> None:
    path = tmp_path / "q.toml"
    path.write_text('number = 1\ntitle = "?"\n')
    with pytest.raises(QuestionFileError, match=r"q\.toml"):
        read(path)


def test_an_experiment_that_is_missing_leaves_no_number() -> None:
    question = replace(questions()[6], answer=("It is {{not_there.mean(iou)|fixed:3}}.", "Fine."))
    assert question_screens.said(question.answer) == ["Fine."]


def test_a_reference_may_be_a_list() -> None:
    rows = zoo.experiment("unet_skips").rows
    assert recorded_figure.value("[unet_skips.rows(skips=false), 2 * 3]") == [
        sum(row["skips"] is False for row in rows),
        6,
    ]


def test_the_middle_of_timings_is_their_median() -> None:
    timings = [10.0, 11.0, 400.0]
    assert visitor_guess.middle(Scale(1.0, 1000.0, "ms", log=True, median=True), timings) == 11.0
    assert visitor_guess.middle(Scale(1.0, 1000.0, "ms", log=True), timings) > 30.0


@pytest.mark.parametrize(("right", "expected"), [("largest", 2), ("smallest", 1)])
def test_the_largest_or_the_smallest_option_is_right(right: str, expected: int) -> None:
    options = tuple(Option(name, value=name) for name in ("2", "1", "3"))
    prediction = Prediction("choice", "?", recorded_predictions()[0].chart, options=options)
    assert visitor_guess.right_option(replace(prediction, right=right)) == expected
    tie = (*options, Option("again", value="1"), Option("again", value="3"))
    assert visitor_guess.right_option(replace(prediction, options=tie, right=right)) is None


def test_a_dot_is_called_what_it_is() -> None:
    timing = next(c for q in questions() for c in charts(q) if c.experiment == "backward_cost")
    trained = next(c for q in questions() for c in charts(q) if c.experiment == "unet_skips")
    assert measured_chart.dot(trained) == "a seed"
    assert measured_chart.dot(replace(trained, dot="a car")) == "a car"
    several = replace(timing, groups=questions()[0].follow_ups[2].chart.groups)
    assert measured_chart.dot(several) == "one round of the timing"
