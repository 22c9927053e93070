"""Means in a sentence: with their interval, and with what cannot be told apart."""

from __future__ import annotations

from training.experiments.interval_text import percent, tie_sentence, ties


def test_a_mean_stands_with_its_interval_and_a_single_value_without() -> None:
    assert percent([0.80, 0.82, 0.84]) == "82.0 ± 5.0 %"  # 4.30 · 2 / √3
    assert percent([0.82]) == percent(0.82) == "82.0 %"


def test_what_overlaps_is_a_tie_and_what_does_not_is_none() -> None:
    groups = {"plain": [0.70, 0.71, 0.72], "same": [0.70, 0.72, 0.73], "better": [0.8, 0.81, 0.82]}
    assert ties(groups, "plain") == ["same"]
    assert tie_sentence(["same"], "plain") == " No measurable difference from plain: same."
    assert tie_sentence([], "plain") == ""
