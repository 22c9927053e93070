"""The networks that are compared: what a design says, they are, and they learn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.training.experiments.batch_norm.norm_rehearsal import TINY
from tests.training.tiny_images import make_images
from training.experiments.batch_norm import batch_norm_depth, small_training
from training.experiments.batch_norm.other_networks import built
from training.experiments.batch_norm.small_network import (
    ChannelsFirstGroupNorm,
    Design,
    SmallNet,
    trained_parameters,
    units,
)
from training.experiments.batch_norm.small_training import SmallRecipe, train


@pytest.mark.parametrize("norm", ["batch", "none", "group", "layer"])
def test_the_small_network_learns_with_every_norm(norm: str) -> None:
    design = Design(norm, widths=(8, 16, 16))
    recipe = SmallRecipe(0.05, epochs=6, batch=20)
    images = make_images(200)
    network, result = train(design, recipe, images, make_images(60, seed=1), seed=0)
    assert result["curve"][-1]["loss"] < 0.8 * result["curve"][0]["loss"]
    assert not result["diverged"]
    kinds = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "layer": nn.GroupNorm}
    found = [unit.norm for unit in units(network).values()]
    assert len(found) == 6
    assert all(isinstance(one, kinds.get(norm, nn.Identity)) for one in found)


def test_group_norm_is_pytorchs_in_another_memory_format() -> None:
    torch.manual_seed(0)
    plain = nn.GroupNorm(4, 8)
    nn.init.normal_(plain.weight)
    ours = ChannelsFirstGroupNorm(4, 8)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(6, 8, 5, 5).contiguous(memory_format=torch.channels_last)
    upper = torch.randn_like(x)
    results = []
    for norm in (ours, plain):
        inputs = x.clone().requires_grad_()
        y = norm(inputs)
        assert y.is_contiguous(memory_format=torch.channels_last)
        y.backward(upper)
        results.append((y, inputs.grad, norm.weight.grad, norm.bias.grad))
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected)


def test_bfloat16_trains_as_it_does_with_plain_convolutions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = SmallRecipe(0.05, epochs=1, batch=20, bfloat16=True)

    def losses() -> list[float]:
        result = train(TINY, recipe, make_images(200), make_images(60, seed=1), seed=0)[1]
        return [point["loss"] for point in result["curve"]]

    faster = losses()
    monkeypatch.setattr(small_training, "lay_side_by_side", lambda network: None)
    assert faster == pytest.approx(losses(), rel=0.02)


def test_designs_differ_in_what_they_say() -> None:
    x = torch.randn(4, 3, 32, 32)
    after = units(SmallNet(Design(position="after", widths=(8, 8, 8))))["stages.0.unit1"]
    y = after(torch.randn(4, 24, 8, 8))
    assert y.mean(dim=(0, 2, 3)).abs().max() < 1e-5  # normalized last: mean 0
    before = units(SmallNet(Design(widths=(8, 8, 8))))["stages.0.unit1"]
    assert before(torch.randn(4, 24, 8, 8)).min() == 0  # ReLU last
    biased = SmallNet(Design(bias=True, widths=(8, 8, 8)))
    assert all(unit.conv.bias is not None for unit in units(biased).values())
    assert all(unit.conv.bias is None for unit in units(SmallNet(TINY)).values())
    logits = SmallNet(Design(output_norm=True, widths=(8, 8, 8)))(x)
    assert logits.mean(dim=0).abs().max() < 1e-5
    on_input = SmallNet(Design(input_norm=True, head_norm=True, dropout=0.5, widths=(8, 8, 8)))
    assert isinstance(on_input.input_norm, nn.BatchNorm2d)
    assert isinstance(on_input.head_norm, nn.BatchNorm1d)
    assert on_input.dropout.p == 0.5
    with pytest.raises(ValueError, match="small, dense, deep"):
        Design(kind="wide")
    assert len(units(SmallNet(Design(residual=True, widths=(8, 8, 8))))) == 9
    with pytest.raises(ValueError, match="no norm"):
        Design("weight")


@pytest.mark.parametrize("name", list(batch_norm_depth.VARIANTS))
def test_deep_networks_have_20_layers_and_what_their_name_says(name: str) -> None:
    design = replace(batch_norm_depth.VARIANTS[name], widths=(4, 8, 8))
    network = built(design, 0, torch.randn(50, 3, 32, 32))
    units_found = units(network)
    assert len(units_found) + 1 == 20
    x = torch.randn(2, 3, 32, 32)
    assert network(x).shape == (2, 10)
    kinds = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "none": nn.Identity}
    assert all(isinstance(unit.norm, kinds[design.norm]) for unit in units_found.values())
    block = network.blocks[1]
    y = torch.rand(2, 4, 16, 16)
    if design.skip_init:  # the block begins as its shortcut, and its factor does not decay
        torch.testing.assert_close(block(y), y)
        kept = trained_parameters(network, 1.0)[1]["params"]
        assert sum(p.ndim == 0 for p in kept) == 9
    elif design.residual:
        torch.testing.assert_close(block(y), torch.relu(y + block.unit2(block.unit1(y))))
    else:
        torch.testing.assert_close(block(y), torch.relu(block.unit2(block.unit1(y))))


def test_the_dense_network_learns_with_and_without_a_norm() -> None:
    images = make_images(200)
    for norm in ("batch", "none"):
        recipe = SmallRecipe(0.01, epochs=4, batch=20)
        _, result = train(Design(norm, kind="dense"), recipe, images, images[:60], seed=0)
        assert result["curve"][-1]["loss"] < 0.8 * result["curve"][0]["loss"]
