"""The alternatives to a U-Net: sizes, what reaches the answer, tracing, folding, publishing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from training.carvana.carvana_recipe import make_optimizers
from training.carvana.carvana_settings import FAMILY, CarvanaRecipe
from training.publish.repo_files import plain_network
from zoo.graph.folding import fold
from zoo.networks import build
from zoo.networks.registry import ARCHITECTURES

SMALL = {
    "unet": {"widths": [4, 6, 8], "context": 1},
    "fcn": {"widths": [4, 6, 8, 8], "context": 1, "classifier": 6},
    "linknet": {"widths": [4, 8, 8], "context": 1},
    "fpn": {"widths": [4, 6, 8], "context": 1, "pyramid": 6, "branch": 5},
    "deeplab": {"widths": [4, 6, 8], "rates": [2, 3], "aspp": 6, "low": 3},
}


def small(name: str) -> nn.Module:
    """Return a small network whose BatchNorms do something."""
    torch.manual_seed(0)
    network = build({"architecture": name, "arguments": SMALL[name]})
    with torch.no_grad():
        for block in network.context:
            block.mix_bn.weight.normal_()
        for key, buffer in network.named_buffers():
            if key.endswith("running_mean"):
                buffer.normal_(std=0.3)
            elif key.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return network.eval()


def test_every_network_of_the_room_is_tested() -> None:
    there = {n for n, entry in ARCHITECTURES.items() if entry.module.startswith("segmentation.")}
    assert there == set(SMALL)
    assert {name for name, _ in FAMILY.values()} == there


@pytest.mark.parametrize("name", FAMILY)
def test_it_is_about_as_large_as_the_unet(name: str) -> None:
    network = CarvanaRecipe(architecture=name).make_network()
    count = sum(p.numel() for p in network.parameters())
    assert 1.6e6 < count <= 2.2e6


@pytest.mark.parametrize("size", [(32, 48), (33, 47), (1, 1), (8, 90)])
@pytest.mark.parametrize("name", SMALL)
def test_any_size_comes_out_as_it_went_in(name: str, size: tuple[int, int]) -> None:
    logits = small(name)(torch.randn(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", SMALL)
def test_it_says_with_which_arguments_it_was_made(name: str) -> None:
    network = small(name)
    again = build({"architecture": name, "arguments": network.arguments})
    again.load_state_dict(network.state_dict())
    image = torch.randn(1, 3, 24, 40)
    assert torch.equal(again.eval()(image), network(image))


def depends(network: nn.Module, layer: nn.Module) -> bool:
    """Return whether the answer to an image changes when a layer gives nothing."""
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    before = network(image)
    hook = layer.register_forward_hook(lambda _m, _i, output: torch.zeros_like(output))
    after = network(image)
    hook.remove()
    return not torch.equal(before, after)


@pytest.mark.parametrize(
    ("name", "finest"), [("unet", True), ("linknet", True), ("fcn", False), ("fpn", False)]
)
def test_whether_the_finest_maps_reach_the_answer_directly(name: str, finest: bool) -> None:
    """Only what is handed on at 1/2 survives, once the next size is silent."""
    network = small(name)
    network.pool.register_forward_hook(lambda _m, _i, output: torch.zeros_like(output))
    assert depends(network, network.down[0]) is finest


@pytest.mark.parametrize("name", ["fcn", "fpn", "deeplab"])
def test_the_coarse_answer_is_enlarged_bilinearly(name: str) -> None:
    """Along a row the logits are straight between the centres of two coarse positions."""
    network = small(name)
    logits = network(torch.randn(1, 3, 32, 32))[0, 0]
    inside = logits[:, 2:-2].unflatten(1, (-1, 4))
    bend = inside[..., 2:] - 2 * inside[..., 1:-1] + inside[..., :-2]
    assert bend.abs().max() < 1e-4 * logits.abs().max()
    assert not torch.allclose(inside[:, 0], inside[:, 1])


def test_linknet_adds_and_the_unet_concatenates() -> None:
    joins = {
        name: {run.layer(skip.joins).kind for skip in run.skips if "context" not in skip.joins}
        for name in ("linknet", "unet")
        for run in [zoo.explain.trace(small(name), np.zeros((1, 3, 32, 32), np.float32))]
    }
    assert joins == {"linknet": {"addition"}, "unet": {"concatenation"}}


def test_aspp_sees_as_far_as_its_rates_say() -> None:
    from zoo.networks.segmentation.deeplab import AtrousSeparable

    block = AtrousSeparable(1, 1, 6).eval()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.fill_(1.0)
    point = torch.zeros(1, 1, 31, 31)
    point[0, 0, 15, 15] = 1.0
    seen = (block(point) - block(torch.zeros_like(point)))[0, 0].nonzero()
    assert sorted(set(seen[:, 0].tolist())) == [9, 15, 21]
    assert sorted(set(seen[:, 1].tolist())) == [9, 15, 21]


@pytest.mark.parametrize("name", SMALL)
def test_its_layers_can_be_looked_at_and_what_each_sees(name: str) -> None:
    network = small(name)
    inputs = np.random.default_rng(0).standard_normal((3, 40, 48)).astype(np.float32)
    run = zoo.explain.trace(network, inputs)
    expected = network(torch.from_numpy(inputs)[None])[0].detach().numpy()
    np.testing.assert_allclose(run[run.output], expected, atol=1e-5)
    learned = sum(layer.parameters for layer in run.layers)
    assert learned == sum(p.numel() for p in network.parameters())
    for layer in (*run.layers[::9], run.layers[-1]):
        place = [side // 2 for side in layer.shape[1:]]
        computed = zoo.explain.receptive_field(run, layer.name, *place)
        measured = zoo.explain.receptive_field_by_gradient(network, inputs, layer.name, *place)
        assert computed == measured, layer.name


@pytest.mark.parametrize("name", SMALL)
def test_folded_gives_the_same_answers(name: str) -> None:
    network = small(name)
    image = torch.randn(2, 3, 32, 40)
    folded = fold(network, image.numpy()).network
    torch.testing.assert_close(folded(image), network(image), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_it_is_published_as_one_file_that_needs_torch_alone(name: str) -> None:
    source = plain_network({"architecture": name}).decode()
    assert "import zoo" not in source
    assert "from zoo" not in source
    namespace: dict[str, object] = {"__name__": "network"}
    exec(compile(source, "network.py", "exec"), namespace)
    network = small(name)
    plain = namespace["build"](**network.arguments)  # type: ignore[operator]
    plain.load_state_dict(network.state_dict())
    image = torch.randn(1, 3, 24, 40)
    assert torch.equal(plain.eval()(image), network(image))


@pytest.mark.parametrize("name", SMALL)
def test_muon_takes_the_kernels_before_a_batchnorm_and_no_others(name: str) -> None:
    network = small(name)
    optimizers = make_optimizers(network, CarvanaRecipe())
    taken = {id(p) for p in optimizers["muon"].param_groups[0]["params"]}
    rest = [p for group in optimizers["adam"].param_groups for p in group["params"]]
    assert len(taken) + len(rest) == len(list(network.parameters()))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert (id(module.weight) in taken) is (module.bias is None)
