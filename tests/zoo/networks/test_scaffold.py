"""A network from a scaffold is the one that its class makes, and shares nothing with another."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.networks import build, scaffold_of
from zoo.networks.scaffold import Scaffold

TORCH = [name for name in zoo.list_models(own=False) if zoo.info(name).framework == "torch"]


@pytest.mark.parametrize("name", TORCH)
def test_it_is_the_network_that_its_class_makes(name: str) -> None:
    config = zoo.load(name, device="cpu", source="bundle").config
    usual = build(config).eval()
    made = scaffold_of(config).filled(copy.deepcopy(usual.state_dict()))
    assert repr(made) == repr(usual)
    for (path, one), (other_path, other) in zip(
        made.named_modules(), usual.named_modules(), strict=True
    ):
        assert (path, type(one)) == (other_path, type(other))
        assert vars(one).keys() == vars(other).keys()
    wanted = [(n, p.requires_grad) for n, p in usual.named_parameters()]
    assert [(n, p.requires_grad) for n, p in made.named_parameters()] == wanted
    inputs = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(made(inputs), usual(inputs), rtol=0, atol=0)


@pytest.mark.parametrize("name", TORCH)
def test_two_loads_share_nothing(name: str) -> None:
    first, second = (zoo.load(name, device="cpu", source="bundle").network for _ in range(2))
    before = copy.deepcopy(second.state_dict())
    with torch.no_grad():
        for tensor in first.state_dict().values():
            tensor.zero_()
    first.train()
    first.register_forward_hook(lambda *_: None)
    first.arguments["widths"].append(1)
    assert all(torch.equal(second.state_dict()[key], value) for key, value in before.items())
    assert not any(module.training for module in second.modules())
    assert not second._forward_hooks
    third = zoo.load(name, device="cpu", source="bundle").network
    assert third.arguments == second.arguments != first.arguments
    assert all(torch.equal(third.state_dict()[key], value) for key, value in before.items())


class Odd(nn.Module):
    """What a contributor's network may hold: layers in a list, a layer twice, its own settings."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.BatchNorm1d(3)
        self.again = self.first
        self.order: list[nn.Module] = [self.first, self.second]  # no ModuleList, on purpose
        self.settings: dict[str, Any] = {"scale": [2.0]}

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.order:
            x = layer(x)
        return self.again(x) * self.settings["scale"][0]


def test_layers_in_lists_and_layers_that_come_twice_stay_what_they_are() -> None:
    usual = Odd().eval()
    with torch.device("meta"):
        plan = Scaffold(Odd())
    made = [plan.filled(copy.deepcopy(usual.state_dict())) for _ in range(2)]
    x = torch.rand(4, 3)
    for one in made:
        assert one.order[0] is one.first is one.again
        torch.testing.assert_close(one(x), usual(x), rtol=0, atol=0)
    made[0].settings["scale"][0] = 5.0
    torch.testing.assert_close(made[1](x), usual(x), rtol=0, atol=0)


def test_a_load_after_another_builds_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    name = TORCH[0]
    networks = [zoo.load(name, device="cpu", source="bundle").network]

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a layer was made or run")

    monkeypatch.setattr(nn.Conv2d, "__init__", refused)
    monkeypatch.setattr(nn.Conv2d, "forward", refused)
    networks.append(zoo.load(name, device="cpu", source="bundle").network)
    assert all(one is not other for one, other in pairwise(networks))
