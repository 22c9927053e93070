"""Which device a network runs on.

``"auto"`` means cuda, then mps, then cpu. Finding that out needs torch, whose import takes one to
two seconds and several hundred megabytes, which the small NumPy network does not need. So for a
NumPy network ``"auto"`` looks for a GPU only where that is cheap or promising: when torch is
imported already, or when the machine has an NVIDIA driver. Elsewhere it is the CPU, and torch is
not imported. An explicit ``device="cuda"`` or ``"mps"`` always asks torch.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from zoo.errors import DeviceError

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
_KINDS = ("cpu", "cuda", "mps")
_INSTALL = 'pip install "cnn-lytical[torch]", or pip install torch'


def choose(device: str, framework: str) -> str:
    """Turn ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"`` into an existing device.

    Args:
        device: What the caller asked for.
        framework: ``"numpy"`` or ``"torch"``, the framework of the network.

    Raises:
        DeviceError: The name is unknown, this machine has no such device, or PyTorch is missing.
    """
    if framework == "torch" and importlib.util.find_spec("torch") is None:
        raise DeviceError(f"This model runs in PyTorch, which is not installed here: {_INSTALL}.")
    kind = device.partition(":")[0] if isinstance(device, str) else ""
    if device == "auto":
        if framework == "numpy" and not _torch_is_worth_it():
            return "cpu"
        return _best()
    if kind not in _KINDS:
        raise DeviceError(f'There is no device {device!r}; use "auto", "cpu", "cuda" or "mps".')
    if kind != "cpu" and not _exists(device):
        raise DeviceError(f'This machine has no device {device!r}; use device="auto" or "cpu".')
    return device


def _torch_is_worth_it() -> bool:
    if sys.modules.get("torch") is not None:
        return True
    return _NVIDIA_DRIVER.exists() and importlib.util.find_spec("torch") is not None


def _best() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _exists(device: str) -> bool:
    if importlib.util.find_spec("torch") is None:
        raise DeviceError(
            f"device={device!r} needs PyTorch, which is not installed here: {_INSTALL}."
        )
    import torch

    kind, _, index = device.partition(":")
    if kind == "mps":
        return torch.backends.mps.is_available() and index in ("", "0")
    if index and not index.isdigit():
        return False
    return torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count()
