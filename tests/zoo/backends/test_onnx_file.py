"""The ONNX file: its answers at every batch and size, what it says of itself, the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from tests.zoo.backends import tiny_models
from zoo.__main__ import main
from zoo.backends import onnx_file

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
from onnx.reference import ReferenceEvaluator  # noqa: E402

NORMS = ("batch", "group", "layer", "none")


def reference(contents: bytes, inputs: np.ndarray) -> np.ndarray:
    """Run a file in ONNX's own reference, which no engine of ours has a part in."""
    return ReferenceEvaluator(onnx.load_from_string(contents)).run(None, {"images": inputs})[0]


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", [(1, 32, 48), (3, 31, 50), (2, 5, 9)])
def test_a_network_of_any_size_answers_at_any_size_and_batch(shape: tuple[int, int, int]) -> None:
    model = tiny_models.cars()
    inputs = draw(shape[0], 3, *shape[1:])
    found = reference(onnx_file.onnx_bytes(model), inputs)
    assert found.shape == (shape[0], 1, *shape[1:])
    np.testing.assert_allclose(found, model.logits(inputs), atol=1e-4)


@pytest.mark.parametrize("norm", NORMS)
def test_the_numpy_network_is_exported_with_any_norm(norm: str) -> None:
    model = tiny_models.digits(norm)
    inputs = draw(3, 1, 28, 28)
    found = reference(onnx_file.onnx_bytes(model), inputs)
    np.testing.assert_allclose(found, model.logits(inputs), atol=1e-4)


def test_a_pytorch_network_is_exported_with_its_norms_folded_or_kept() -> None:
    inputs = draw(2, 3, 32, 32)
    shared = nn.Conv2d(3, 3, 3, padding=1)  # runs twice, so that its BatchNorm cannot be folded
    kept = nn.Sequential(
        shared, nn.BatchNorm2d(3), shared, nn.SiLU(), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(3, 10),
    )  # fmt: skip
    for model, norms in ((tiny_models.objects(), 0), (tiny_models.objects(kept), 1)):
        contents = onnx_file.onnx_bytes(model)
        found = reference(contents, inputs)
        np.testing.assert_allclose(found, model.logits(inputs), atol=1e-4)
        nodes = [node.op_type for node in onnx.load_from_string(contents).graph.node]
        assert nodes.count("BatchNormalization") == norms


def test_the_file_says_what_goes_in_and_what_comes_out() -> None:
    model = tiny_models.cars()
    proto = onnx.load_from_string(onnx_file.onnx_bytes(model))
    told = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(told["preprocessing"]) == model.preprocessing.to_config()
    assert json.loads(told["labels"]) == ["car"]
    assert json.loads(told["config"]) == model.config
    assert told["threshold"] == "0.5"
    assert "longest side of 96 pixels" in told["input"]
    assert "mean 0.5, 0.4, 0.3" in told["input"]
    assert "sigmoid" in told["output"]
    (given,) = proto.graph.input
    axes = [axis.dim_param or axis.dim_value for axis in given.type.tensor_type.shape.dim]
    assert axes == ["batch", 3, "height", "width"]
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 18)]


def test_the_same_weights_give_the_same_bytes_and_tell_nothing_of_this_machine() -> None:
    one, two = (onnx_file.onnx_bytes(tiny_models.objects()) for _ in range(2))
    assert one == two
    assert str(Path.cwd()).encode() not in one
    assert torch.__version__.encode() not in one


def test_a_layer_without_a_form_is_named() -> None:
    class Strange(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cumsum(x, 1).mean((2, 3))

    model = tiny_models.objects(Strange())
    with pytest.raises(zoo.ZooError, match=r"The layer .* \(Strange\) has no ONNX form here"):
        onnx_file.checked(model)


def test_a_file_that_would_answer_differently_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_models.objects()
    other = onnx_file.onnx_bytes(tiny_models.objects(CifarLike()))
    monkeypatch.setattr(onnx_file, "onnx_bytes", lambda _model: other)
    with pytest.raises(zoo.ZooError, match="answers otherwise than the network"):
        onnx_file.export(model, tmp_path / "wrong.onnx")
    assert not list(tmp_path.iterdir())


class CifarLike(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 10, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


@pytest.mark.parametrize("name", ["mnist", "carvana", "carvana-linknet", "carvana-deeplab"])
def test_the_command_writes_a_shipped_model_and_tells_how_well_it_agrees(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.onnx"
    assert main(["export", name, "--out", str(path), "--source", "bundle"]) == 0
    said = capsys.readouterr().out
    assert "opset 18" in said
    assert "differ from the network's by" in said
    model = zoo.load(name, source="bundle", device="cpu")
    inputs = onnx_file.examples(model)[-1]
    found = reference(path.read_bytes(), inputs)
    np.testing.assert_allclose(found, model.logits(inputs), atol=1e-3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]  # nothing half-written


def test_bad_usage_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["export", "mnist", "--out", str(blocked / "net.onnx")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", "mnist", "--out", str(tmp_path / "net.onnx")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: An ONNX file needs the package onnx, which is not installed")
    assert len(said.splitlines()) == 1
