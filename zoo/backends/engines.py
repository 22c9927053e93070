"""ONNX Runtime and OpenVINO: an ONNX file as a function from inputs to logits.

Both may be called from several threads at once. Their own threads do not survive a fork, so in a
forked process what runs the network is made anew at the first call.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from zoo.backends.missing import needed
from zoo.errors import ZooError


class Engine(Protocol):
    """What runs a network: float32 inputs (N, C, H, W) to float32 logits."""

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the logits of a batch."""


class _Restarted:
    """Keeps what a maker makes, and makes another one in a forked process."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._made, self._process = make(), os.getpid()
        self._left: list[Any] = []
        if hasattr(os, "register_at_fork"):  # another thread may hold the lock at that moment
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def get(self) -> Any:
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._left.append(self._made)  # its end would wait for threads that are gone
                    self._made, self._process = self._make(), os.getpid()
        return self._made


class OnnxRuntime:
    """Runs a network in ONNX Runtime, on the CPU.

    Args:
        contents: The ONNX file.

    Raises:
        ZooError: The package is not installed, or refuses the file.
    """

    def __init__(self, contents: bytes) -> None:
        needed("onnxruntime", 'backend="onnxruntime"')
        self._session = _Restarted(lambda: _session(contents))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the logits, float32, of inputs (N, C, H, W)."""
        return self._session.get().run(["logits"], {"images": _floats(inputs)})[0]


def _session(contents: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Its threads would spin while they wait for each other, which is slow where cores are shared.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ZooError(f"ONNX Runtime refuses the network: {_first_line(error)}") from None


class OpenVino:
    """Runs a network in OpenVINO, on the CPU.

    Args:
        contents: The ONNX file.
        bfloat16: Compute in bfloat16, on a processor that has instructions for it.

    Raises:
        ZooError: The package is not installed, or refuses the file.
    """

    def __init__(self, contents: bytes, bfloat16: bool = False) -> None:
        needed("openvino", 'backend="openvino"')
        self._compiled = _Restarted(lambda: _compiled(contents, bfloat16))
        self._free: list[tuple[Any, Any]] = []  # networks and requests of theirs that nobody uses
        self._left: list[Any] = []  # requests from before a fork; to end one would wait for ever

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the logits, float32, of inputs (N, C, H, W)."""
        compiled = self._compiled.get()
        try:
            of, request = self._free.pop()  # one call of a list's method: no other thread gets it
        except IndexError:
            of, request = None, None
        if of is not compiled:  # none is free, or it is from before a fork
            self._left += [request] if request is not None else []
            request = compiled.create_infer_request()
        request.infer({0: _floats(inputs)})
        answer = np.array(request.get_output_tensor(0).data, np.float32)  # of its own
        self._free.append((compiled, request))
        return answer


def _compiled(contents: bytes, bfloat16: bool) -> Any:
    import openvino

    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",  # else it chooses for itself
    }
    try:
        network = core.read_model(contents)
        # As an output of its own a pooling layer has nothing fused into it: OpenVINO 2026.4 fuses
        # a GELU wrongly (float32, behind a convolution), and logits were off by a fifth.
        network.add_outputs(
            [op.output(0) for op in network.get_ops() if "Pool" in op.get_type_name()]
        )
        return core.compile_model(network, "CPU", settings)
    except Exception as error:
        raise ZooError(f"OpenVINO refuses the network: {_first_line(error)}") from None


def _floats(inputs: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(inputs, dtype=np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
