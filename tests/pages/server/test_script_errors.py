"""What a visitor is told about an error that no page has caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from pages.server import script_errors

TOO_MANY = 2**50  # bytes


@pytest.mark.parametrize(
    "allocate",
    [lambda: np.empty(TOO_MANY, np.uint8), lambda: torch.empty(TOO_MANY, dtype=torch.uint8)],
    ids=["numpy", "torch"],
)
def test_too_little_memory_is_named_whoever_wanted_it(allocate: Callable[[], Any]) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        allocate()
    assert "too little memory" in script_errors.sentence(caught.value)


def test_our_own_sentences_stay_and_others_are_kept_back() -> None:
    assert script_errors.sentence(zoo.ZooError("Do this.")) == "Do this."
    said = script_errors.sentence(ValueError("/home/somebody/secret.py"))
    assert "secret" not in said
    assert "log" in said
