"""Which device a network runs on.

``"auto"`` means cuda, then mps, then cpu. Finding that out needs torch, whose import takes one to
two seconds and several hundred megabytes, which the small NumPy network does not need. So for a
NumPy network ``"auto"`` looks for a GPU only where that is cheap or promising: when torch is
imported already, or when the machine has an NVIDIA driver. Elsewhere it is the CPU, and torch is
not imported. An explicit ``device="cuda"`` or ``"mps"`` always asks torch.

A library lives in somebody else's process: models are made outside of its inference mode and
default device, and go on working after a fork.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DeviceError

if TYPE_CHECKING:
    import torch

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
_KINDS = ("cpu", "cuda", "mps")
_WAITING = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}  # settings that the user's process may have
_SPINS = "1000"  # a few microseconds
_INSTALL = 'pip install "cnn-lytical[torch]", or pip install torch'


def choose(device: str | torch.device, framework: str) -> str:
    """Turn a device's name, or a ``torch.device``, into the name of one that exists.

    Args:
        device: What the caller asked for: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or
            ``"mps"``, or a ``torch.device`` of one of these kinds.
        framework: ``"numpy"`` or ``"torch"``, the framework of the network.

    Raises:
        DeviceError: The name is unknown, this machine has no such device, or PyTorch is missing.
    """
    if framework == "torch" and importlib.util.find_spec("torch") is None:
        raise DeviceError(f"This model runs in PyTorch, which is not installed here: {_INSTALL}.")
    name = str(device)  # of a torch.device, which torch need not be imported for
    kind, _, index = name.partition(":")
    if name == "auto":
        if framework == "numpy" and not _torch_is_worth_it():
            return "cpu"
        return _best()
    if kind not in _KINDS:
        raise DeviceError(f'There is no device {device!r}; use "auto", "cpu", "cuda" or "mps".')
    if kind == "cpu" and index in ("", "0"):
        return "cpu"
    if kind == "cpu" or not _exists(name):
        raise DeviceError(f'This machine has no device {name!r}; use device="auto" or "cpu".')
    check_fork(name)
    return name


def check_fork(device: str) -> None:
    """Refuse a GPU to a process that was forked after its parent had used it.

    CUDA cannot be begun twice in one process image, so torch itself would fail in the middle of an
    answer. Called before every answer: it is one comparison of strings where there is no GPU.

    Raises:
        DeviceError: It was; the message says what works.
    """
    if device.startswith("cuda") and _gpu_is_the_parents():
        raise DeviceError(
            "This process was forked from one that uses the GPU, and CUDA does not survive that; "
            'start it with multiprocessing\'s "spawn" method, or load the model in it with '
            'device="cpu".'
        )


def import_torch() -> Any:
    """Import torch, the first time with threads that hardly spin while they wait for each other.

    GNU's OpenMP lets a thread spin for some milliseconds until the others have finished their part.
    While another process keeps the cores busy, that takes the very time that the others need
    (`training.benchmarks.busy_cores` measures it). It reads this setting once, when torch is
    imported, so whoever imports torch before zoo sets it in the environment; see docs/deploy.md.
    """
    if sys.modules.get("torch") is None and not _WAITING & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = _SPINS
    import torch

    return torch


@contextmanager
def undisturbed() -> Iterator[None]:
    """Make networks as if the process had set nothing: no inference mode, no default device.

    Where torch is not imported nothing can be set. From then on a forked process computes with one
    of torch's threads: OpenMP's others do not survive a fork, and waiting for them would not end.
    """
    if sys.modules.get("torch") is None:
        yield
        return
    import torch

    _survive_forks()
    with torch.inference_mode(False), torch.device("cpu"):
        yield


_forks: list[bool] = []


def _survive_forks() -> None:
    if hasattr(os, "register_at_fork") and not _forks:
        _forks.append(True)
        os.register_at_fork(after_in_child=_one_thread)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _torch_is_worth_it() -> bool:
    if sys.modules.get("torch") is not None:
        return True
    return _NVIDIA_DRIVER.exists() and importlib.util.find_spec("torch") is not None


def _best() -> str:
    torch = import_torch()
    if torch.cuda.is_available() and not _gpu_is_the_parents():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _gpu_is_the_parents() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda._is_in_bad_fork()


def _exists(device: str) -> bool:
    if importlib.util.find_spec("torch") is None:
        raise DeviceError(
            f"device={device!r} needs PyTorch, which is not installed here: {_INSTALL}."
        )
    torch = import_torch()
    kind, _, index = device.partition(":")
    if kind == "mps":
        return torch.backends.mps.is_available() and index in ("", "0")
    if index and not index.isdigit():
        return False
    return torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count()
