"""A torch network that learns: its moving average, its state, recipes as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from training.engine.distributed import Processes
from training.engine.recipe_json import plain
from training.engine.student import Student

ALONE = Processes(0, 1, torch.device("cpu"))


def make(averaging: float = 0.9) -> Student:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    adam = torch.optim.AdamW(network[0].parameters(), lr=0.1)
    sgd = torch.optim.SGD(network[1].parameters(), lr=0.1, momentum=0.9)
    return Student(network, {"adam": adam, "sgd": sgd}, ALONE, averaging)


def descend(student: Student, steps: range) -> list[torch.Tensor]:
    """Take steps, and return the first weights after each."""
    seen = []
    for step in steps:
        inputs = torch.randn(4, 1, 5, 5, generator=torch.Generator().manual_seed(step))
        student.descend(student.network(inputs).square().mean(), step)
        seen.append(next(student.network.parameters()).detach().clone())
    return seen


def test_the_average_follows_the_weights_and_is_the_result() -> None:
    student = make(averaging=0.5)
    average = next(student.network.parameters()).detach().clone()
    for step, weights in enumerate(descend(student, range(30))):
        kept = min(0.5, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * weights
    result = next(student.result.parameters())
    torch.testing.assert_close(result, average)
    assert not result.requires_grad
    assert student.result is not student.network
    torch.testing.assert_close(
        make(averaging=0.0).result[0].weight, make(averaging=0.0).network[0].weight
    )


def test_what_is_loaded_goes_on_bit_for_bit() -> None:
    whole, first, second = make(), make(), make()
    descend(whole, range(7))
    descend(first, range(4))
    second.load_state(first.state())
    descend(second, range(4, 7))
    for expected, got in zip(
        [*whole.network.state_dict().values(), *whole.result.state_dict().values()],
        [*second.network.state_dict().values(), *second.result.state_dict().values()],
        strict=True,
    ):
        assert torch.equal(expected, got)


@dataclass(frozen=True)
class Inner:
    zoom: tuple[float, float] = (1.0, 2.0)


@dataclass(frozen=True)
class Outer:
    epochs: int = 3
    widths: tuple[int, ...] = (4, 8)
    inner: Inner = field(default_factory=Inner)


def test_a_recipe_is_written_as_json_gives_it_back() -> None:
    recipe = Outer(5, (1, 2, 3), Inner((0.5, 0.1)))
    assert plain(recipe) == {"epochs": 5, "widths": [1, 2, 3], "inner": {"zoom": [0.5, 0.1]}}
