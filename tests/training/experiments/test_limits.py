"""Every recorded experiment says what it does not show, in its module's words."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

import zoo


@pytest.mark.parametrize("name", zoo.list_experiments())
def test_limits_are_those_of_the_module(name: str) -> None:
    """A sentence may be added by hand that holds for one recording alone."""
    recorded = zoo.experiment(name)
    said = recorded.raw["limits"]
    assert said
    found = re.search(r"-m (training[\w.]+)", recorded.command)
    assert found
    module = import_module(found[1])
    if words := getattr(module, "LIMITS", None):
        assert said.startswith(words)
    elif callable(limits := getattr(module, "limits", None)):
        assert said.startswith(limits(recorded.rows))
