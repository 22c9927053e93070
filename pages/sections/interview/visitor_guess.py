"""A visitor's prediction: checked, put into a link, and compared with what was measured."""

from __future__ import annotations

import itertools
import math
import statistics
import string
from typing import Any

from pages.sections.interview import recorded_figure
from pages.sections.interview.question_file import Chart, Prediction, Scale, ValueGroup

Guess = float | int | list[float] | list[int]
_LETTERS = string.digits + string.ascii_letters + "-_"  # 64, all of them plain in an address
_LAST = len(_LETTERS) - 1


def checked(prediction: Prediction, sent: Any) -> Guess | None:
    """Return what a browser sent if it is a guess, else None; anybody can send anything."""
    scale = prediction.chart.scale
    match prediction.kind:
        case "number":
            return _number(scale, sent)
        case "choice":
            inside = type(sent) is int and 0 <= sent < len(prediction.options)
            return sent if inside else None
        case "order":
            count = len(prediction.chart.groups)
            whole = isinstance(sent, list) and all(type(item) is int for item in sent)
            return sent if whole and sorted(sent) == list(range(count)) else None
    curve = prediction.chart.curve
    if not isinstance(sent, list) or curve is None or len(sent) != len(curve.at):
        return None
    numbers = [_number(scale, one) for one in sent]
    return [one for one in numbers if one is not None] if None not in numbers else None


def encode(prediction: Prediction, guess: Guess) -> str:
    """Write a guess as a few letters for a link: a letter a place on the axis, two for a slider."""
    scale = prediction.chart.scale
    if prediction.kind == "choice":
        return _LETTERS[int(guess)]  # type: ignore[arg-type]
    if isinstance(guess, list):
        if prediction.kind == "order":
            return "".join(_LETTERS[int(item)] for item in guess)
        return "".join(_LETTERS[round(_LAST * place(scale, value))] for value in guess)
    fine = round((_LAST * 64 + _LAST) * place(scale, guess))
    return _LETTERS[fine // 64] + _LETTERS[fine % 64]


def decode(prediction: Prediction, letters: str) -> Guess | None:
    """Read such letters; None if they are none of this prediction."""
    if not all(letter in _LETTERS for letter in letters):
        return None
    codes = [_LETTERS.index(letter) for letter in letters]
    scale = prediction.chart.scale
    match prediction.kind:
        case "number" if len(codes) == 2:
            whole = (codes[0] * 64 + codes[1]) / (_LAST * 64 + _LAST)
            return checked(prediction, value_at(scale, whole))
        case "choice" if len(codes) == 1:
            return checked(prediction, codes[0])
        case "order":
            return checked(prediction, codes)
        case "curve":
            return checked(prediction, [value_at(scale, code / _LAST) for code in codes])
    return None


def is_close(prediction: Prediction, guess: Guess) -> bool:
    """Return whether a guess was right, or as near as the question asks for."""
    match prediction.kind:
        case "choice":
            return right_option(prediction) == guess
        case "order":
            right, pairs = pairs_in_order(prediction.chart, guess)
            return right == pairs
        case "number":
            return abs(_off(prediction, guess)) <= prediction.hit
    return mean_distance(prediction, guess) <= prediction.hit


def verdict(prediction: Prediction, guess: Guess | None) -> str:
    """Say how far off a guess was, in a sentence, and what the figure teaches."""
    lesson = f" {recorded_figure.text(prediction.lesson)}" if prediction.lesson else ""
    if guess is None:
        return lesson.strip()
    return f"{_distance(prediction, guess)}{lesson}"


def _distance(prediction: Prediction, guess: Guess) -> str:
    scale = prediction.chart.scale
    if prediction.kind == "choice":
        if right_option(prediction) == guess:
            return "Right."
        right = right_option(prediction)
        told = "" if right is None else f" Measured: “{prediction.options[right].label}”."
        return f"Not this time.{told}"
    if prediction.kind == "order":
        right, pairs = pairs_in_order(prediction.chart, guess)
        if right == pairs:
            return "All of it is in the measured order."
        return f"{right} of {pairs} pairs are in the measured order."
    begin = "Close: " if is_close(prediction, guess) else ""
    if prediction.kind == "number":
        measured = answer(prediction)
        assert isinstance(guess, int | float)
        said, found = (recorded_figure.written(v, scale.form) for v in (guess, measured))
        if said == found:
            return f"Exactly: {said}, as you said."
        off = _gap(scale, abs(guess - measured), _off(prediction, guess))
        return f"{begin}{'y' if begin else 'Y'}ou said {said}, measured is {found}: {off} off."
    width = mean_distance(prediction, guess)
    off = _gap(scale, width * (scale.high - scale.low), width)
    return f"{begin}{'y' if begin else 'Y'}our curve is {off} off on average."


def _gap(scale: Scale, distance: float, share: float) -> str:
    """Write a distance: in points, as a factor on a logarithmic axis, or in the axis's unit."""
    if scale.log:
        factor = 10 ** (abs(share) * math.log10(scale.high / scale.low))
        return f"a factor of {factor:,.{0 if factor >= 10 else 1 if factor >= 2 else 2}f}"
    if scale.form.startswith("percent"):
        digits = scale.form.partition(":")[2]
        return recorded_figure.written(distance, f"points:{digits}" if digits else "points")
    return recorded_figure.written(distance, scale.form)


def answer(prediction: Prediction) -> float:
    """Return the mean that a slider asks for."""
    asked = next(group for group in prediction.chart.groups if not group.known)
    return middle(prediction.chart.scale, group_values(asked))


def right_option(prediction: Prediction) -> int | None:
    """Return the option that the measurement makes the right one, or None."""
    options = prediction.options
    if prediction.right:
        values = [recorded_figure.value(option.value) for option in options]
        most = max(values) if prediction.right == "largest" else min(values)
        right = [i for i, value in enumerate(values) if value == most]
    else:
        right = [i for i, option in enumerate(options) if recorded_figure.value(option.when)]
    return right[0] if len(right) == 1 else None


def pairs_in_order(chart: Chart, guess: Guess) -> tuple[int, int]:
    """Return how many pairs stand as measured, and of how many.

    Two that differ by less than the seeds of one of them are a tie, and stand right either way.
    """
    values = [group_values(group) for group in chart.groups]
    right = 0
    order = guess if isinstance(guess, list) else []
    pairs = list(itertools.combinations([int(item) for item in order], 2))
    for first, second in pairs:
        noise = max(max(v) - min(v) for v in (values[first], values[second]))
        gap = middle(chart.scale, values[first]) - middle(chart.scale, values[second])
        right += gap >= 0 or -gap < noise
    return right, len(pairs)


def mean_distance(prediction: Prediction, guess: Guess) -> float:
    """Return the mean distance of two curves, as a share of the axis."""
    scale = prediction.chart.scale
    measured = curve_values(prediction.chart)
    return statistics.fmean(
        abs(place(scale, value) - place(scale, middle(scale, seeds)))
        for value, seeds in zip(guess, measured, strict=True)  # type: ignore[arg-type]
    )


def group_values(group: ValueGroup) -> list[float]:
    """Return a group's measured values, one a seed."""
    found = recorded_figure.value(group.values)
    return list(found) if isinstance(found, list) else [found]


def curve_values(chart: Chart) -> list[list[float]]:
    """Return a curve's measured values at each place of its axis, one a seed."""
    assert chart.curve is not None
    found = []
    for at in chart.curve.at:
        written = f'"{at}"' if isinstance(at, str) else repr(at)
        one = recorded_figure.value(chart.curve.values.replace("{x}", written))
        found.append(list(one) if isinstance(one, list) else [one])
    return found


def middle(scale: Scale, values: list[float]) -> float:
    """Return the mean of some values, the geometric one on a logarithmic axis, or their median."""
    if scale.median:
        return statistics.median(values)
    if scale.log:
        return 10 ** statistics.fmean(math.log10(max(v, 1e-300)) for v in values)
    return statistics.fmean(values)


def place(scale: Scale, value: Any) -> float:
    """Return where a value lies: 0 at the axis's low end, 1 at its high one."""
    low, high, at = (
        map(math.log10, (scale.low, scale.high, max(value, 1e-300)))
        if scale.log
        else (scale.low, scale.high, value)
    )
    return min(1.0, max(0.0, (at - low) / (high - low)))


def value_at(scale: Scale, at: float) -> float:
    """Return the value at such a place."""
    if scale.log:
        return float(scale.low * (scale.high / scale.low) ** at)
    return scale.low + at * (scale.high - scale.low)


def _number(scale: Scale, sent: Any) -> float | None:
    if type(sent) not in (int, float) or not math.isfinite(sent):
        return None
    return min(scale.high, max(scale.low, float(sent)))


def _off(prediction: Prediction, guess: Guess) -> float:
    scale = prediction.chart.scale
    return place(scale, guess) - place(scale, answer(prediction))
