"""A question of the interview as data: one TOML file in ``questions/``, read and checked."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pages.common.number_format import NBSP

FOLDER = Path(__file__).parent / "questions"
SCENARIOS = ("From scratch", "PyTorch", "Segmentation", "In general")
KINDS = ("number", "choice", "order", "curve")


class QuestionFileError(ValueError):
    """A question's file lacks something, or holds something that nobody reads."""


@dataclass(frozen=True)
class Scale:
    """An axis that is the same before and after the reveal, so that it gives nothing away.

    Attributes:
        low: Its one end.
        high: Its other end.
        form: How its numbers are written, see `recorded_figure.written`.
        log: Whether equal steps are equal factors.
        label: What it shows.
        median: Whether the middle of values is their median, as of timings, which have outliers.
    """

    low: float
    high: float
    form: str
    log: bool = False
    label: str = ""
    median: bool = False


@dataclass(frozen=True)
class ValueGroup:
    """Some measured values under one name: a dot a seed.

    Attributes:
        label: What they are of.
        values: A reference that gives a list, or a number.
        note: A few words more.
        known: Whether it is shown before the reveal.
    """

    label: str
    values: str
    note: str = ""
    known: bool = False


@dataclass(frozen=True)
class Option:
    """One answer to choose.

    Attributes:
        label: Its words.
        when: The comparison of figures that makes it right, or
        value: its figure, if the largest or smallest of all options is right.
    """

    label: str
    when: str = ""
    value: str = ""


@dataclass(frozen=True)
class Curve:
    """Measured values over an axis.

    Attributes:
        at: The values of that column, from left to right.
        labels: How they are written below the axis.
        label: What the axis shows.
        values: A reference with ``{x}`` in the place of the column's value.
    """

    at: tuple[Any, ...]
    labels: tuple[str, ...]
    label: str
    values: str


@dataclass(frozen=True)
class Chart:
    """A measurement that draws itself.

    Attributes:
        title: What is shown.
        experiment: The recorded experiment that it is of.
        scale: The axis of the values.
        groups: One line of dots each.
        curve: Or values over an axis.
        dot: What a dot stands for where it is no seed, such as "a photo".
    """

    title: str
    experiment: str
    scale: Scale
    groups: tuple[ValueGroup, ...] = ()
    curve: Curve | None = None
    dot: str = ""


@dataclass(frozen=True)
class Prediction:
    """What a visitor has to commit to.

    Attributes:
        kind: One of `KINDS`.
        ask: The question, in a sentence or two.
        chart: What is measured; of a number the first group that is not known is the answer.
        start: Where a slider or curve begins.
        hit: Share of the axis within which a guess counts as close.
        lesson: One sentence that the reveal ends with.
        options: Of a choice; one of them is right.
        right: Of a choice whose options have values: "largest" or "smallest".
        ends: Of an order: what stands above its first place and below its last one.
    """

    kind: str
    ask: str
    chart: Chart
    start: float = 0.0
    hit: float = 0.05
    lesson: str = ""
    options: tuple[Option, ...] = ()
    right: str = ""
    ends: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class FollowUp:
    """What an interviewer asks next, and what one answers."""

    ask: str
    answer: str
    points: tuple[str, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True)
class WrongClaim:
    """What one had better not say, and what refutes it: only while ``when`` is measured so."""

    claim: str
    refuted: str
    when: str = ""


@dataclass(frozen=True)
class Reference:
    """Where something is written: paper and section, and its address."""

    paper: str
    section: str
    url: str


@dataclass(frozen=True)
class Question:
    """One of the twelve.

    Attributes:
        number: 1 to 12.
        scenario: One of `SCENARIOS`.
        title: The question in a few words.
        ask: How an interviewer puts it.
        teaser: What the card promises, without the answer.
        answer: What one says aloud, paragraph by paragraph.
        why: The mechanism.
        live: The name of a live piece, "" for none.
        predictions: The first one that is recorded is asked.
        follow_ups: What comes next.
        wrong: What had better not be said.
        sources: Papers and documents.
        limits: What the measurements do not show.
        points: What a good answer contains.
        again: Pages of the app to read again, by the last part of their address.
        typed: Numbers in the texts that are no measurements: definitions, sizes, quotations.
        awaits: The experiments that will say more, once they are recorded.
    """

    number: int
    scenario: str
    title: str
    ask: str
    teaser: str
    answer: tuple[str, ...]
    why: tuple[str, ...]
    points: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    follow_ups: tuple[FollowUp, ...]
    wrong: tuple[WrongClaim, ...]
    sources: tuple[Reference, ...]
    limits: str = ""
    live: str = ""
    again: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    path: Path = field(default=FOLDER, compare=False)


@functools.cache
def questions() -> tuple[Question, ...]:
    """Return all questions in their order.

    Raises:
        QuestionFileError: a file is not as it should be.
    """
    found = [read(path) for path in sorted(FOLDER.glob("*.toml"))]
    return tuple(sorted(found, key=lambda question: question.number))


def read(path: Path) -> Question:
    """Read one question.

    Raises:
        QuestionFileError: the file is no TOML, or its keys are not those of `Question`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(re.sub(r"(?<=\d) %", f"{NBSP}%", text))  # no line breaks there
        lists = ("answer", "why", "points", "again", "typed", "awaits")
        made: dict[str, Any] = raw | {name: tuple(raw.get(name, ())) for name in lists}
        made["predictions"] = tuple(_prediction(one) for one in raw["predictions"])
        made["follow_ups"] = tuple(_follow_up(one) for one in raw["follow_ups"])
        made["wrong"] = tuple(WrongClaim(**one) for one in raw["wrong"])
        made["sources"] = tuple(Reference(**one) for one in raw["sources"])
        question = Question(**made, path=path)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise QuestionFileError(f"{path.name} is no question: {error}.") from None
    if question.scenario not in SCENARIOS:
        raise QuestionFileError(f"{path.name}: there is no scenario {question.scenario!r}.")
    return question


def _prediction(raw: Mapping[str, Any]) -> Prediction:
    if raw.get("kind") not in KINDS:
        raise QuestionFileError(f"A prediction's kind is one of {', '.join(KINDS)}.")
    made = dict(raw)
    made["chart"] = _chart(raw["chart"])
    made["options"] = tuple(Option(**one) for one in raw.get("options", ()))
    made["ends"] = tuple(raw.get("ends", ("", "")))
    return Prediction(**made)


def _follow_up(raw: Mapping[str, Any]) -> FollowUp:
    chart = _chart(raw["chart"]) if "chart" in raw else None
    return FollowUp(**{**raw, "points": tuple(raw.get("points", ())), "chart": chart})


def _chart(raw: Mapping[str, Any]) -> Chart:
    made = dict(raw)
    made["scale"] = Scale(**raw["scale"])
    made["groups"] = tuple(ValueGroup(**one) for one in raw.get("groups", ()))
    if "curve" in raw:
        curve = raw["curve"]
        made["curve"] = Curve(
            **{**curve, "at": tuple(curve["at"]), "labels": tuple(curve["labels"])}
        )
    return Chart(**made)
