"""The private copy: what is in it, and that the owner's network is never touched."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import trace
from zoo.graph.modules import answer_of, own_settings, private_copy, run

INPUT = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)


def chain() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))


def test_a_copy_of_its_own_and_one_that_shares_the_parameters() -> None:
    network = chain()
    own, shared = private_copy(network), private_copy(network, share=True)
    for theirs, copied, lent in zip(
        network.parameters(), own.parameters(), shared.parameters(), strict=True
    ):
        assert torch.equal(theirs, copied)
        assert theirs.data_ptr() != copied.data_ptr()
        assert theirs.data_ptr() == lent.data_ptr()
        assert copied.requires_grad
        assert not lent.requires_grad
    for copied in (own, shared):
        copied.train()(torch.from_numpy(INPUT))  # writes to its statistics
    assert not network[1].running_mean.any()
    assert network.training


def test_tied_weights_stay_tied() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    network[1].weight = network[0].weight
    for share in (False, True):
        copied = private_copy(network, share)
        assert copied[0].weight is copied[1].weight


def test_the_owners_hooks_do_not_run_but_those_that_compute_weights_do() -> None:
    network, calls = chain(), []
    network[0].register_forward_hook(lambda *_: calls.append(1))
    network[0].register_forward_pre_hook(lambda *_: calls.append(2))
    run(private_copy(network), INPUT)
    assert not calls
    assert len(network[0]._forward_hooks) == len(network[0]._forward_pre_hooks) == 1

    class Owner:
        lock = threading.Lock()

        def hook(self, *_: object) -> None:
            self.lock.acquire()

    network[0].register_forward_hook(Owner().hook)  # cannot be copied, and need not be
    run(private_copy(network), INPUT)

    with pytest.warns(FutureWarning):
        normed = nn.utils.weight_norm(nn.Conv2d(3, 4, 3))
    with torch.no_grad():
        normed.weight_g *= 2  # the weight is computed anew when it runs
    expected = normed(torch.from_numpy(INPUT)).detach().numpy()
    np.testing.assert_allclose(run(private_copy(normed), INPUT), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:FutureWarning")
def test_what_cannot_be_copied_or_looked_into_is_refused_in_a_sentence() -> None:
    locked = chain()
    locked.lock = threading.Lock()
    with pytest.raises(ZooError, match=r"this one cannot be copied: .*lock"):
        trace(locked, INPUT)
    with pytest.raises(ZooError, match="layer '0' has no weights yet"):
        trace(nn.Sequential(nn.LazyConv2d(4, 3)), INPUT)
    scripted = torch.jit.trace(nn.Identity(), torch.zeros(1))
    with pytest.raises(ZooError, match="scripted network hides its layers"):
        trace(scripted, INPUT)
    with pytest.raises(ZooError, match="not function"):
        trace(lambda x: x, INPUT)


def test_a_compiled_network_is_explained_by_what_was_compiled() -> None:
    assert [layer.name for layer in trace(torch.compile(chain()), INPUT).layers] == ["0", "1", "2"]


def test_the_answer_of_several() -> None:
    a, b = torch.zeros(1, 2), torch.ones(1, 2)
    for output in (a, (a, b), [a, b], ((a, b), b), {"x": a, "y": b}, OrderedDict(aux=b, out=a)):
        assert answer_of(output) is a
    assert answer_of({"loss": b, "logits": a}) is a
    for output, words in ((None, "NoneType"), ([{"boxes": a}], "list of dict"), ({}, "dict")):
        with pytest.raises(ZooError, match=f"answers with {words};"):
            answer_of(output)


class InPlace(nn.Module):
    """Works in place on its input and on a buffer, whatever the mode."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.first = nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        x -= 0.5
        return self.first(x.relu_()).mean((2, 3))


def test_nothing_that_is_handed_in_changes() -> None:
    network, inputs = InPlace(), INPUT.copy()
    traced = trace(network, inputs)
    run(private_copy(network, share=True), inputs)
    np.testing.assert_array_equal(inputs, INPUT)
    np.testing.assert_array_equal(traced.input, INPUT[0])
    assert network.count == 0
    inputs += 1
    np.testing.assert_array_equal(traced.input, INPUT[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_input_takes_the_networks_float_type(dtype: torch.dtype) -> None:
    found = trace(chain().to(dtype), INPUT)
    expected = trace(chain(), INPUT)
    assert found[found.output].dtype == np.float32
    np.testing.assert_allclose(found[found.output], expected[expected.output], atol=0.05)


def test_settings_of_the_caller_do_not_count() -> None:
    network, x = chain(), torch.from_numpy(INPUT)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16), own_settings(True):
        found = network(x)
    assert found.requires_grad
    assert found.dtype == torch.float32
    assert not found.is_inference()


def test_a_network_that_fails_is_quoted_with_the_layer() -> None:
    network = nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 4, 3), head=nn.Conv2d(5, 2, 3)))
    with pytest.raises(
        ZooError, match=r"^head cannot work on an input of \(3, 8, 8\): Given groups"
    ):
        trace(network, INPUT)


def test_chunks_are_layers_of_their_own() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            a, b = self.conv(x).chunk(2, 1)
            return a * b.max()

    found = trace(Halves(), INPUT)
    np.testing.assert_array_equal(found["chunk:2"], found["conv"][2:])
    assert found.layer("max").shape == ()  # a number, not maps
    assert found.layer("mul").inputs == ("chunk:1", "max")


def test_threads_share_one_network() -> None:
    network, inputs = networks.make("objects")
    expected, failed = trace(network, inputs)["head"], []

    def work() -> None:
        for _ in range(3):
            if not np.allclose(trace(network, inputs)["head"], expected, atol=1e-5):
                failed.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
