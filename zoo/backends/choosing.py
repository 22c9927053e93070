"""What a model answers through: its own framework, ONNX Runtime or OpenVINO, and in which numbers.

bfloat16 halves what a processor with instructions for it (AVX-512 BF16, AMX) has to do, and keeps 8
of float32's 24 binary digits. ``precision="auto"`` takes it where two things are known without
measuring anything now, so that a model answers the same today and tomorrow: the processor has the
instructions, and a recorded experiment found, for these very weights and this backend, the same
answers within its tolerance (:data:`EXPERIMENT`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.backends.missing import needed
from zoo.errors import DeviceError, ExperimentError, ZooError
from zoo.experiments import experiment
from zoo.models import Model

BACKENDS = ("auto", "torch", "onnxruntime", "openvino")
PRECISIONS = ("float32", "bfloat16", "auto")
EXPERIMENT = "reduced_precision"  # training/experiments/deployment/ measures it
BFLOAT16 = ("torch", "openvino")  # the backends that know it
_FLAGS = {"avx512_bf16", "amx_bf16"}
_CPU = Path("/proc/cpuinfo")
# Of the largest logit. OpenVINO has been wrong about a layer before, see `engines`.
_DIFFERENCE = {"float32": 1e-3, "bfloat16": 0.05}


def check(backend: str, precision: str) -> None:
    """Raise a :class:`ZooError` unless the names are known and the backend's packages are there."""
    if backend not in BACKENDS:
        raise ZooError(f"There is no backend {backend!r}; use {_listed(BACKENDS)}.")
    if precision not in PRECISIONS:
        raise ZooError(f"There is no precision {precision!r}; use {_listed(PRECISIONS)}.")
    if backend in ("onnxruntime", "openvino"):
        needed(backend, f'backend="{backend}"')
        needed("onnx", f'backend="{backend}"')


def equip(model: Model, backend: str, precision: str, weights: str) -> None:
    """Let a model answer through a backend, in a precision.

    Args:
        model: Just loaded, for its own framework.
        backend: One of :data:`BACKENDS`; ``"auto"`` and ``"torch"`` leave it to its framework.
        precision: One of :data:`PRECISIONS`.
        weights: The SHA-256 of its weights; only asked if the precision is ``"auto"``.

    Raises:
        DeviceError: The model is on another device than the CPU, where these backends do not run.
        ZooError: The backend or the precision cannot run this model here.
    """
    if backend in ("onnxruntime", "openvino"):
        if model.device != "cpu":
            raise DeviceError(
                f'backend="{backend}" runs on the CPU; use device="cpu", not {model.device!r}.'
            )
        model.backend = backend
    model.precision = _chosen(model, precision, weights)
    if backend in ("onnxruntime", "openvino"):
        _start(model)


def _chosen(model: Model, precision: str, weights: str) -> str:
    possible = model.backend in BFLOAT16
    if precision == "auto":
        pays = possible and model.device == "cpu" and has_bfloat16()
        return "bfloat16" if pays and is_as_good(weights, model.backend) else "float32"
    if precision == "bfloat16" and not possible:
        raise ZooError(
            f"{model.name} runs in {model.backend} here, which has no bfloat16; use "
            'precision="auto" or "float32".'
        )
    if precision == "bfloat16" and model.backend == "openvino" and not has_bfloat16():
        raise ZooError(
            "This processor has no instructions for bfloat16, and OpenVINO would not use it; use "
            'precision="auto" or "float32".'
        )
    return precision


def _start(model: Model) -> None:
    """Start the engine, and compare it once with the network that it stands for."""
    from zoo.backends.engines import OnnxRuntime, OpenVino
    from zoo.backends.onnx_file import examples, onnx_bytes

    contents = onnx_bytes(model)
    engine: OnnxRuntime | OpenVino
    if model.backend == "onnxruntime":
        engine = OnnxRuntime(contents)
    else:
        engine = OpenVino(contents, bfloat16=model.precision == "bfloat16")
    inputs = examples(model)[0]
    wanted, found = model.plain_logits(inputs), engine(inputs)
    largest, difference = float(np.abs(wanted).max()), float(np.abs(wanted - found).max())
    if not difference <= _DIFFERENCE[model.precision] * max(largest, 1.0):
        raise ZooError(
            f"{model.backend} answers otherwise than the network itself on this machine (logits "
            f'differ by {difference:.2g}); use backend="auto".'
        )
    model.engine = engine


def has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16 faster than in float32; False if unknown."""
    try:
        lines = _CPU.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return bool(_FLAGS & set(flags.split()))


def is_as_good(weights: str, backend: str) -> bool:
    """Whether weights are recorded to answer in bfloat16 as they do in float32.

    Args:
        weights: Their SHA-256.
        backend: ``"torch"`` or ``"openvino"``.
    """
    try:
        rows = experiment(EXPERIMENT).rows
    except ExperimentError:
        return False
    return any(
        row.get("weights") == weights and row.get("backend") == backend and row.get("holds") is True
        for row in rows
    )


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f'"{name}"' for name in names]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
