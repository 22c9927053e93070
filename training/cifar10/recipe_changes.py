"""A variant of a recipe, from what somebody writes on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from training.cifar10.cifar10_settings import Cifar10Recipe
from training.data.cifar_images import SIZE
from training.engine.failures import TrainingError
from zoo.networks.cifar_net import ACTIVATIONS


def change_recipe(recipe: Cifar10Recipe, changes: Sequence[str]) -> Cifar10Recipe:
    """Return a recipe with other numbers or another activation, each given as ``NAME=VALUE``.

    Raises:
        TrainingError: if the recipe has no such number, or the value is none.
    """
    for change in changes:
        name, _, text = change.partition("=")
        if name == "low_res":
            recipe = replace(recipe, low_res=_sizes(text))
            continue
        if name == "activation" and text in ACTIVATIONS:
            recipe = replace(recipe, activation=text)
            continue
        kind = type(getattr(recipe, name, None))
        if kind not in (int, float):
            raise TrainingError(f"--change: the recipe has no number called {name!r}.")
        try:
            recipe = replace(recipe, **{name: kind(text)})
        except ValueError:
            raise TrainingError(f"--change {change}: {name} takes a number.") from None
    return recipe


def _sizes(text: str) -> tuple[tuple[float, int], ...]:
    """Read ``SHARE:SIDE,…`` as `Cifar10Recipe.low_res`."""
    try:
        read = [part.split(":") for part in text.split(",") if part]
        sizes = tuple((float(share), int(side)) for share, side in read)
    except ValueError:
        sizes = ((0.0, 0),)
    shares = [0.0, *(share for share, _ in sizes), 1.0]
    if shares != sorted(shares) or any(not 8 <= side <= SIZE for _, side in sizes):
        raise TrainingError(
            f"--change low_res={text}: give rising shares of the run and sides of 8 to "
            f"{SIZE} pixels, such as 0.3:20,0.6:24."
        )
    return sizes
