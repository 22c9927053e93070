"""The ways to ask one network: PyTorch in its layouts and formats, ONNX Runtime, OpenVINO.

ONNX Runtime and OpenVINO are optional: a way whose package is not installed is left out, and named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from zoo.graph.folding import fold

Array = NDArray[np.float32]
OPTIONAL = {"ONNX Runtime": ("onnxruntime", "onnx", "onnxscript"), "OpenVINO": ("openvino",)}
INPUT = "image"


@dataclass(frozen=True)
class Engine:
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


def torch_ways(network: nn.Module, example: Array, compiles: bool) -> Iterator[Engine]:
    """Yield what PyTorch can do, one change added to the other.

    Args:
        network: in evaluation mode; it is not changed.
        example: an input.
        compiles: whether ``torch.compile`` is tried too, which takes a minute.
    """
    folded = fold(network, example).network.eval()
    last = torch.channels_last
    plain: dict[str, tuple[nn.Module, bool]] = {
        "PyTorch": (_copy(network), False),
        "PyTorch, channels_last": (_copy(network).to(memory_format=last), False),
        "PyTorch, channels_last, folded": (_copy(folded).to(memory_format=last), False),
        "PyTorch, bfloat16": (_copy(network), True),
        "PyTorch, channels_last, folded, bfloat16": (_copy(folded).to(memory_format=last), True),
    }
    for name, (module, half) in plain.items():
        yield Engine(name, "PyTorch", "bfloat16" if half else "float32", _asked(module, half))
    if compiles:
        for name in ("PyTorch, channels_last, folded", "PyTorch, channels_last, folded, bfloat16"):
            module, half = plain[name]
            made = torch.compile(module)
            answer = _asked(made, half)
            answer(example)  # it compiles at the first call
            yield Engine(f"{name}, compiled", "PyTorch", "bfloat16" if half else "float32", answer)


def _copy(network: nn.Module) -> nn.Module:
    import copy

    return copy.deepcopy(network).eval()


def _asked(module: Any, half: bool) -> Callable[[Array], Array]:
    last = any(p.ndim == 4 and p.is_contiguous(memory_format=torch.channels_last)
               and not p.is_contiguous() for p in module.parameters())  # fmt: skip

    @torch.inference_mode()
    def answer(inputs: Array) -> Array:
        tensor = torch.from_numpy(inputs)
        tensor = tensor.contiguous(memory_format=torch.channels_last) if last else tensor
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = module(tensor)
        return np.asarray(logits.float().numpy())

    return answer


def exported_ways(
    network: nn.Module, example: Array, calibration: Sequence[Array], threads: int
) -> Iterator[Engine]:
    """Yield what ONNX Runtime and OpenVINO can do with the network for inputs of one shape.

    Args:
        network: in evaluation mode; its BatchNorms are folded first.
        example: an input.
        calibration: inputs of the same shape that int8's ranges are taken from; empty: no int8.
        threads: that an answer may use.
    """
    absent = missing()
    if "ONNX Runtime" in absent:  # whose packages write the file that both of them read
        return
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "network.onnx", Path(folder) / "int8.onnx"
        export(fold(network, example).network.eval(), example, path)
        files = {"float32": path}
        if calibration:
            quantize(path, small, calibration)
            files["int8"] = small
        for form, file in files.items():
            suffix = "" if form == "float32" else f", {form}"
            run = onnx_runtime(file, threads)
            yield Engine(f"ONNX Runtime{suffix}", "ONNX Runtime", form, run)
        if "OpenVINO" in absent:
            return
        yield Engine("OpenVINO", "OpenVINO", "float32", openvino(path, threads, "f32"))
        yield Engine("OpenVINO, bfloat16", "OpenVINO", "bfloat16", openvino(path, threads, "bf16"))
        if "int8" in files:
            yield Engine("OpenVINO, int8", "OpenVINO", "int8", openvino(small, threads, "f32"))


def export(network: nn.Module, example: Array, path: Path) -> None:
    """Write a network as ONNX, for inputs of the example's shape."""
    torch.onnx.export(
        network, (torch.from_numpy(example),), str(path), input_names=[INPUT],
        output_names=["logits"], dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip


def quantize(path: Path, small: Path, calibration: Sequence[Array]) -> None:
    """Write a network with weights and activations in int8 (QDQ, a scale for each channel)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter([{INPUT: array} for array in calibration])

        def get_next(self) -> dict[str, Array] | None:
            return next(self.left, None)

    ready = path.with_name("ready.onnx")
    quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready), str(small), Reader(), quant_format=QuantFormat.QDQ, per_channel=True
    )


def onnx_runtime(path: Path, threads: int) -> Callable[[Array], Array]:
    """Return what asks ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    return lambda inputs: np.asarray(session.run(None, {INPUT: inputs})[0], np.float32)


def openvino(path: Path, threads: int, precision: str) -> Callable[[Array], Array]:
    """Return what asks OpenVINO, with "f32" or "bf16" as its precision."""
    import openvino as ov

    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
    }
    with suppress(Exception):  # older versions have no switch, and are silent anyhow
        core.set_property({"ENABLE_MMAP": False})
    compiled = core.compile_model(core.read_model(str(path)), "CPU", settings)
    request = compiled.create_infer_request()

    def answer(inputs: Array) -> Array:
        return np.array(request.infer([inputs])[0], np.float32)

    return answer
