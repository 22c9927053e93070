"""The warning for images of no single digit: how it is set and measured."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import digit_outliers
from zoo.samples import samples


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    from PIL import Image

    found = [np.asarray(Image.open(s.path).convert("L")) for s in samples("digits")]
    return np.stack(found * 5)


def test_the_threshold_lets_one_known_digit_in_twenty_raise_the_alarm(known: np.ndarray) -> None:
    """A network that is sure of what has much ink in the upper half."""

    def probabilities(images: np.ndarray) -> np.ndarray:
        upper = images[:, :14].mean(axis=(1, 2)) / 255
        return np.stack([upper, 1 - upper], axis=1)

    found = digit_outliers.measure_digit_ood(probabilities, known, count=4)
    certain = probabilities(known).max(axis=1)
    assert (certain[::2] < found["threshold"]).mean() <= 0.05
    assert found["n"] == len(known) // 2
    assert found["detection_rates"].keys() == found["ood_n"].keys() == found["refused"].keys()
    assert set(found["ood_n"].values()) == {4}


def test_what_is_refused_counts_as_noticed_and_a_sure_network_notices_nothing_else(
    known: np.ndarray,
) -> None:
    def sure(images: np.ndarray) -> np.ndarray:
        return np.tile([1.0, 0.0], (len(images), 1))

    found = digit_outliers.measure_digit_ood(sure, known, count=4)
    for kind, rate in found["detection_rates"].items():
        assert rate == found["refused"][kind] / 4, kind
    assert found["refused"]["empty frames"] > 0
    assert found["detection_rates"]["two digits"] == 0
