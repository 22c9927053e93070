"""The ways to ask one network: PyTorch in its layouts and formats, ONNX Runtime, OpenVINO.

ONNX Runtime and OpenVINO are optional: a way whose package is not installed is left out, and named.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.benchmarks.int8 import quantized
from zoo.backends.engines import OnnxRuntime, OpenVino
from zoo.backends.onnx_file import onnx_bytes
from zoo.graph.folding import fold
from zoo.models import Segmenter

Array = NDArray[np.float32]
OPTIONAL = {"ONNX Runtime": ("onnx", "onnxruntime"), "OpenVINO": ("onnx", "openvino")}


@dataclass(frozen=True)
class AnswerWay:
    """One way to ask a network.

    Attributes:
        name: such as "PyTorch, channels_last, folded, bfloat16".
        runtime: "PyTorch", "ONNX Runtime" or "OpenVINO".
        format: "float32", "bfloat16" or "int8".
        answer: float32 (1, 3, H, W) → logits, float32 (1, 1, H, W).
    """

    name: str
    runtime: str
    format: str
    answer: Callable[[Array], Array]


def missing() -> dict[str, list[str]]:
    """Return by runtime the packages that are not installed."""
    absent = {
        runtime: [name for name in names if find_spec(name) is None]
        for runtime, names in OPTIONAL.items()
    }
    return {runtime: names for runtime, names in absent.items() if names}


def torch_ways(network: nn.Module, example: Array, compiles: bool) -> Iterator[AnswerWay]:
    """Yield what PyTorch can do, one change added to the other.

    Args:
        network: in evaluation mode; it is not changed.
        example: an input.
        compiles: whether ``torch.compile`` is tried too, which takes a minute.
    """
    folded = fold(network, example).network.eval()
    cases = {
        "PyTorch": (network, False, False),
        "PyTorch, channels_last": (network, True, False),
        "PyTorch, channels_last, folded": (folded, True, False),
        "PyTorch, bfloat16": (network, False, True),
        "PyTorch, channels_last, folded, bfloat16": (folded, True, True),
    }
    for name, (module, last, half) in cases.items():
        form = "bfloat16" if half else "float32"
        layout = torch.channels_last if last else torch.contiguous_format
        twin = copy.deepcopy(module).eval().to(memory_format=layout)
        yield AnswerWay(name, "PyTorch", form, _asked(twin, layout, half))
        if compiles and module is folded:
            answer = _asked(torch.compile(twin), layout, half)
            answer(example)  # it compiles at the first call
            yield AnswerWay(f"{name}, compiled", "PyTorch", form, answer)


def _asked(module: Any, layout: torch.memory_format, half: bool) -> Callable[[Array], Array]:
    @torch.inference_mode()
    def answer(inputs: Array) -> Array:
        tensor = torch.from_numpy(inputs).contiguous(memory_format=layout)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = module(tensor)
        return np.asarray(logits.float().numpy())

    return answer


def exported_ways(model: Segmenter, calibration: Sequence[Array]) -> Iterator[AnswerWay]:
    """Yield what ONNX Runtime and OpenVINO can do with a model's network, for inputs of any size.

    Args:
        model: its BatchNorms are folded in the file.
        calibration: inputs that int8's ranges are taken from; empty: no int8.
    """
    absent = missing()
    if absent.keys() == OPTIONAL.keys():
        return
    contents = onnx_bytes(model)
    int8 = quantized(model, calibration) if calibration and "ONNX Runtime" not in absent else None
    if "ONNX Runtime" not in absent:
        yield AnswerWay("ONNX Runtime", "ONNX Runtime", "float32", OnnxRuntime(contents))
        if int8:
            yield AnswerWay("ONNX Runtime, int8", "ONNX Runtime", "int8", OnnxRuntime(int8))
    if "OpenVINO" not in absent:
        yield AnswerWay("OpenVINO", "OpenVINO", "float32", OpenVino(contents))
        half = OpenVino(contents, bfloat16=True)
        yield AnswerWay("OpenVINO, bfloat16", "OpenVINO", "bfloat16", half)
        if int8:
            yield AnswerWay("OpenVINO, int8", "OpenVINO", "int8", OpenVino(int8))
