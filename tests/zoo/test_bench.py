"""The benchmark: what it compares, that its cases are what they claim, and how it prints."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo import bench
from zoo.__main__ import main
from zoo.graph.folding import fold
from zoo.networks.cifar_net import CifarNet
from zoo.networks.segmentation.unet import UNet

CLASSES = {"labels": list("abcdefghij")}
SCALED = {"channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3}
SMALL = {"preprocessing": SCALED | {"kind": "crop", "height": 32, "width": 32}}
PHOTO = {"preprocessing": SCALED | {"kind": "scale", "longest_side": 96}}


def trained(network: nn.Module) -> nn.Module:
    """Give the BatchNorms statistics that make a difference."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2)
            module.bias.data.normal_()
    return network.eval()


@pytest.fixture
def classifier() -> zoo.Classifier:
    return zoo.Classifier("tiny", SMALL | CLASSES, {}, trained(CifarNet((4, 8, 8), depth=3)))


@pytest.fixture
def segmenter() -> zoo.Segmenter:
    config = PHOTO | {"labels": ["car"], "threshold": 0.5}
    return zoo.Segmenter("tiny", config, {}, trained(UNet((4, 8))))


def test_a_classifier_is_timed_in_every_form_beside_a_resnet(classifier, monkeypatch) -> None:
    monkeypatch.setattr(bench, "resnet18", lambda classes: trained(CifarNet((2, 4, 4))))
    before = {k: v.clone() for k, v in classifier.network.state_dict().items()}
    result = bench.compare_formats(classifier, [1, 4], rounds=1)
    own = [row for row in result["rows"] if row["backend"] == "torch"]
    forms = {(r["network"], r["dtype"], r["layout"], r["folded"], r["batch"]) for r in own}
    assert len(forms) == len(own) == 2 * 2 * 2 * 2 * 2
    others = {row["backend"] for row in result["rows"]} - {"torch"}
    assert others == {name for name in ("onnxruntime", "openvino") if find_spec(name)}
    assert {form[0] for form in forms} == {"tiny", "resnet18"}
    for row in result["rows"]:
        assert row["milliseconds"] > 0
        speed = 1000 * row["batch"] / row["milliseconds"]
        assert row["images_per_second"] == pytest.approx(speed)
    assert json.loads(json.dumps(result)) == result
    for name, value in classifier.network.state_dict().items():  # the model is left alone
        assert value.dtype == before[name].dtype
        torch.testing.assert_close(value, before[name])


def test_a_segmenter_is_timed_on_a_photo_and_alone(segmenter) -> None:
    result = bench.compare_formats(segmenter, [1], rounds=1)
    assert result["shape"] == [3, 64, 96]
    assert {row["network"] for row in result["rows"]} == {"tiny"}
    assert len([row for row in result["rows"] if row["backend"] == "torch"]) == 8
    assert bench.input_shape(
        zoo.Segmenter(
            "x", {"preprocessing": SCALED | {"kind": "scale", "longest_side": 512}}, {}, None
        )
    ) == (3, 342, 512)


def test_every_form_gives_the_same_answers(classifier) -> None:
    torch.manual_seed(0)
    calls = bench._forms(classifier.network, (3, 32, 32), "cpu")
    outputs = {form: call_of(5)() for form, call_of in calls.items()}
    exact = outputs["float32", "contiguous", False]
    inputs = torch.from_numpy(bench._random(5, (3, 32, 32)))
    torch.testing.assert_close(exact, classifier.network(inputs).detach())
    for (dtype, _, _), output in outputs.items():
        tolerance = 1e-5 if dtype == "float32" else 0.05 * float(exact.abs().max())
        torch.testing.assert_close(output, exact, atol=tolerance, rtol=0)


@pytest.mark.parametrize("depth", [2, 3])
def test_folding_the_object_network_changes_no_logit(depth: int) -> None:
    network = trained(CifarNet((8, 16, 16), depth=depth))
    inputs = np.random.default_rng(0).standard_normal((6, 3, 32, 32), dtype=np.float32)
    folded = fold(network, inputs)
    assert len(folded.pairs) == 3 * depth
    assert not folded.kept
    with torch.inference_mode():
        x = torch.from_numpy(inputs)
        torch.testing.assert_close(folded.network(x), network(x), atol=1e-5, rtol=0)


def test_the_resnet_is_that_of_torchvision_adapted_to_small_images() -> None:
    network = bench.resnet18(10)
    shapes: list[torch.Size] = []
    network.layer1.register_forward_hook(lambda _m, inputs, _o: shapes.append(inputs[0].shape))
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    assert shapes == [(1, 64, 32, 32)]  # nothing is lost before the first block
    assert sum(p.numel() for p in network.parameters()) == 11_173_962


def test_cases_take_turns_and_short_ones_are_called_often(monkeypatch) -> None:
    monkeypatch.setattr(bench, "LEAST_SECONDS", 0.05)
    order: list[str] = []
    cases = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    seconds = bench.take_turns(cases, rounds=2)
    assert order[:4] == ["a", "a", "b", "b"]  # the warm-up
    assert order[4:] == (["a"] * 101 + ["b"] * 101) * 2
    assert {case: times for case, (_, times) in seconds.items()} == {"a": 2, "b": 2}


def test_turns_do_not_disturb() -> None:
    """Neither a first call that compiles, nor the first one behind another case, counts."""
    state = {"compiled": False, "cache": ""}

    def call(name: str) -> None:
        time.sleep(0.2 if not state["compiled"] else 0.06 if state["cache"] != name else 0.001)
        state["compiled"], state["cache"] = True, name

    found = bench.take_turns({"a": lambda: call("a"), "b": lambda: call("b")}, rounds=3)
    for seconds, times in found.values():
        assert times == 3
        assert seconds < 0.02


def test_a_slow_case_is_called_once(monkeypatch) -> None:
    monkeypatch.setattr(bench, "MOST_SECONDS", 0.01)
    order: list[str] = []
    found = bench.take_turns({"slow": lambda: (order.append("slow"), time.sleep(0.02))}, rounds=5)
    assert order == ["slow"]
    seconds, times = found["slow"]
    assert times == 1
    assert seconds >= 0.02


def test_the_table_has_a_line_a_form_and_a_column_a_batch(classifier, monkeypatch) -> None:
    row = {"network": "net", "dtype": "float32", "layout": "channels_last", "folded": True}
    rows = [
        row | {"batch": 1, "milliseconds": 4.0, "images_per_second": 250.0},
        row | {"batch": 128, "milliseconds": 64.0, "images_per_second": 2000.0},
    ]
    head = {"model": "net", "device": "cpu", "threads": 2, "torch": "2", "shape": [3, 32, 32]}
    text = bench.table(head | {"rounds": 3, "rows": rows}).splitlines()
    assert len(text) == 3
    numbers = ["4.00", "250", "2,000"]
    assert text[2].split() == ["net", "torch", "float32", "channels_last", "folded", *numbers]
    assert len(text[1]) == len(text[2])


def test_the_command_prints_the_comparison(
    classifier, monkeypatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("zoo.__main__.load", lambda *_, **__: classifier)
    monkeypatch.setattr(bench, "resnet18", lambda classes: trained(CifarNet((2, 4, 4))))
    monkeypatch.setattr(bench, "engines", lambda model: {})  # those are in the first test
    assert main(["bench", "tiny", "--repeats", "1", "--batch", "2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["rounds"] == 1
    assert {row["batch"] for row in result["rows"]} == {1, 2}
    monkeypatch.setattr(bench, "compare_formats", lambda *_: result)
    assert main(["bench", "tiny", "--repeats", "1", "--batch", "2"]) == 0
    assert "resnet18" in capsys.readouterr().out
