"""How a PyTorch run computes: processes, device, number format. None of it changes the aim."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from training.engine.distributed import Processes

_MALLOPT = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, -1)}  # -1: no limit
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def add_compute(parser: argparse.ArgumentParser, compiles: bool = False) -> None:
    """Add the options that say how to compute: ``--device``, ``--precision``, ``--compile``.

    Args:
        parser: of the command.
        compiles: whether its network can go through ``torch.compile``.
    """
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or mps")
    parser.add_argument(
        "--precision", choices=["auto", *PRECISIONS], default="auto",
        help="of the arithmetic; auto (default): what this device is fast in",
    )  # fmt: skip
    if compiles:
        parser.add_argument(
            "--compile", choices=["auto", "on", "off"], default="auto",
            help="torch.compile; auto (default): on a GPU",
        )  # fmt: skip


@dataclass(frozen=True)
class ComputeConfig:
    """How a run computes.

    Attributes:
        processes: this one among those that train together, and its device.
        precision: of the arithmetic, ``"float32"`` or ``"bfloat16"``; weights stay float32.
        compiled: whether networks go through ``torch.compile``.
    """

    processes: Processes
    precision: str = "float32"
    compiled: bool = False

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.processes.device

    def autocast(self) -> torch.autocast:
        """Return a context in which the expensive operations use the run's precision."""
        dtype = PRECISIONS[self.precision]
        return torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32)

    def describe(self) -> dict[str, Any]:
        """Return what a record says about it."""
        return {
            "device": self.device.type,
            "processes": self.processes.count,
            "threads": torch.get_num_threads(),
            "precision": self.precision,
            "compiled": self.compiled,
        }


def choose_compute(processes: Processes, options: argparse.Namespace) -> ComputeConfig:
    """Return how a command trains whose options are those of `add_compute`; see `keep_memory`."""
    keep_memory()
    device, compiles = processes.device, getattr(options, "compile", "off")
    return ComputeConfig(
        processes,
        choose_precision(device, options.precision),
        compiled=compiles == "on" or (compiles == "auto" and device.type == "cuda"),
    )


def keep_memory() -> None:
    """Let this process keep the memory that it has freed, for what it allocates next.

    glibc takes what has more than 32 MB from the system and gives it back when it is freed. A
    training step frees and allocates gigabytes, and the system hands them out zeroed, 4 kB at a
    time: of the object network a step of 1,000 images (widths 128, 384, 512; one core of a Xeon
    with AMX) takes 5.7 s instead of 8.3 to 9.8, without a page fault instead of 850,000. The
    numbers stay the same to the last bit. Other systems' allocators are left as they are.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        for option in _MALLOPT.values():
            mallopt(*option)


def choose_precision(device: torch.device, asked: str = "auto") -> str:
    """Return ``"float32"`` or ``"bfloat16"``.

    With ``"auto"`` a GPU uses bfloat16 if its hardware does. A CPU is measured: with bfloat16
    instructions (AVX-512 BF16, AMX) convolutions run about twice as fast in it, without them
    several times slower, because every product is emulated.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type != "cpu":
        return "float32"
    seconds = {name: _time_convolution(dtype) for name, dtype in PRECISIONS.items()}
    return "bfloat16" if seconds["bfloat16"] < 0.8 * seconds["float32"] else "float32"


def _time_convolution(dtype: torch.dtype) -> float:
    """Time one convolution, forward and backward, in seconds; the best of three."""
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=random).to(dtype)
        return values.contiguous(memory_format=torch.channels_last)

    inputs, weight = draw(32, 64, 15, 15), draw(64, 64, 3, 3).requires_grad_()
    best = float("inf")
    for _ in range(4):  # the first one warms up
        start = time.perf_counter()
        functional.conv2d(inputs, weight, padding=1).sum().backward()
        best = min(best, time.perf_counter() - start)
    return best
