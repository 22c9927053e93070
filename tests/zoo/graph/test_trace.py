from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import activations, layers
from zoo.explain.subject import trace
from zoo.graph.modules import private_copy
from zoo.graph.torch_trace import Runner


@pytest.mark.parametrize("name", networks.SHAPES)
def test_the_answer_is_the_networks_own(name: str) -> None:
    network, inputs = networks.make(name)
    run = trace(network, inputs)
    if name == "digits":
        expected = network.forward(inputs[None])[0]
    else:
        expected = network.eval()(torch.from_numpy(inputs)[None])[0].detach().numpy()
    np.testing.assert_allclose(run[run.output], expected, rtol=1e-4, atol=1e-5)
    assert all(run[layer.name].shape == layer.shape for layer in run.layers)


def test_layers_come_in_order_with_kind_shape_parameters_and_inputs() -> None:
    unet, inputs = networks.make("unet")
    found = {layer.name: layer for layer in layers(unet, inputs)}
    names = list(found)
    assert names[:3] == ["pad", "pixel_unshuffle", "down.0.first.conv"]
    assert names.index("pool:1") < names.index("down.1.first.conv") < names.index("pool:2")
    conv = found["down.0.first.conv"]
    assert (conv.kind, conv.operation) == ("convolution", "Conv2d")
    assert conv.shape == (3, 24, 28)
    assert conv.parameters == 3 * 12 * 9
    cat = found["up.0.cat"]
    assert cat.kind == "concatenation"
    assert cat.inputs == ("up.0.interpolate", "down.1.second.act")
    total = sum(layer.parameters for layer in found.values())
    assert total == sum(p.numel() for p in unet.parameters())


def test_a_module_that_runs_twice_has_two_outputs_and_an_in_place_relu_spoils_none() -> None:
    network, inputs = networks.make("functions")
    run = trace(network, inputs)
    assert run["again:1"].shape == run["again:2"].shape
    assert not np.array_equal(run["again:1"], run["again:2"])
    chain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))
    run = trace(chain, np.random.default_rng(0).standard_normal((1, 9, 9)).astype(np.float32))
    assert run["0"].min() < 0 <= run["1"].min()


def test_skips_are_found() -> None:
    found = trace(*networks.make("unet")).skips
    assert [(s.joins, s.leaves) for s in found] == [
        ("context.0.add", "down.2.second.act"),
        ("up.0.cat", "down.1.second.act"),
        ("up.1.cat", "down.0.second.act"),
    ]
    residual = trace(*networks.make("objects")).skips
    assert (residual[0].joins, residual[0].leaves) == ("block1.add", "block1.act1")


def test_the_network_is_left_as_it_was() -> None:
    network, inputs = networks.make("objects")
    network.train()
    mean = network.block1.bn1.running_mean.clone()
    trace(network, inputs)
    assert all(module.training for module in network.modules())
    assert torch.equal(network.block1.bn1.running_mean, mean)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    assert not any(getattr(m, hook) for m in network.modules() for hook in hooks)


def test_the_copy_shares_the_weights() -> None:
    network, _ = networks.make("unet")
    copied = private_copy(network, share=True)
    for own, shared in zip(network.parameters(), copied.parameters(), strict=True):
        assert own.data_ptr() == shared.data_ptr()


def test_threads_do_not_see_each_others_runs() -> None:
    network, _ = networks.make("objects")
    rng = np.random.default_rng(0)
    images = rng.standard_normal((4, 3, 32, 32)).astype(np.float32)
    alone = [activations(network, image) for image in images]
    together: dict[int, dict[str, np.ndarray]] = {}

    def work(number: int) -> None:
        for _ in range(3):
            together[number] = activations(network, images[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, expected in enumerate(alone):
        assert list(together[number]) == list(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(together[number][name], values, atol=1e-4)


def test_errors_say_what_to_do() -> None:
    network, inputs = networks.make("objects")
    with pytest.raises(ZooError, match=r"no layer 'block1.conv9'; it has for example 'block1"):
        trace(network, inputs).layer("block1.conv9")
    with pytest.raises(ZooError, match=r"takes one float array \(C, H, W\)"):
        trace(network, np.zeros((2, 3, 32, 32), np.float32))
    with pytest.raises(ZooError, match=r"load the model with zoo\.load"):
        trace(network, np.zeros((3, 32, 32), np.uint8))


def test_a_run_lets_go_of_its_activations_without_the_garbage_collector() -> None:
    network, inputs = networks.make("objects")
    runner, kept = Runner(network), []
    gc.disable()
    try:
        with torch.inference_mode():
            runner(
                torch.from_numpy(inputs)[None],
                watch=lambda _, value: kept.append(weakref.ref(value)),
            )
        assert len(kept) == len(runner.recorder.calls()) > 5
        assert not [value for reference in kept if (value := reference()) is not None]
    finally:
        gc.enable()
