"""A network in int8, after training: calibrated on images, run by any engine that reads ONNX."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from training.engine.failures import TrainingError
from zoo.backends.onnx_file import onnx_bytes
from zoo.models import Model


def quantized(model: Model, inputs: Iterable[np.ndarray]) -> bytes:
    """Return a model as an ONNX file whose convolutions compute in int8.

    Weights get a scale each output channel (Jacob et al. 2018, arXiv 1712.05877), activations one a
    tensor, from the smallest and largest values that the calibration inputs give. The nodes around
    them (QuantizeLinear, DequantizeLinear) say so in a form that runtimes fuse.

    Args:
        model: a loaded model.
        inputs: what calibrates: float32 (1, C, H, W) each.

    Raises:
        TrainingError: onnxruntime is not installed.
    """
    try:
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise TrainingError(
            "int8 needs the packages onnx and onnxruntime: pip install onnx onnxruntime."
        ) from None

    class Calibration(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict[str, np.ndarray] | None:
            found = next(self._left, None)
            return None if found is None else {"images": found}

    logging.getLogger("root").setLevel(logging.ERROR)  # it advises, at length, what is done here
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "ready", "int8"))
        plain.write_bytes(onnx_bytes(model))
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(ready), str(small), Calibration(), per_channel=True,
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["Conv"],
        )  # fmt: skip
        return small.read_bytes()
