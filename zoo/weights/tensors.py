"""From the bytes of ``model.safetensors`` to arrays that fit a network, strictly.

safetensors is the only format of weights; nothing is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.errors import IntegrityError

_HEADER_LIMIT = 100_000_000  # the limit of the safetensors format itself


def read_header(contents: bytes, where: str) -> dict[str, Any]:
    """Return the JSON header of a safetensors file.

    The format: 8 bytes of little-endian header length, the JSON header, the raw tensors
    (https://github.com/huggingface/safetensors#format).

    Raises:
        IntegrityError: The bytes are no safetensors file.
    """
    length = int.from_bytes(contents[:8], "little")
    try:
        if len(contents) < 8 or length > min(len(contents) - 8, _HEADER_LIMIT):
            raise ValueError("its header is cut off")
        header = json.loads(contents[8 : 8 + length])
        if not isinstance(header, dict):
            raise ValueError("its header is no JSON object")
    except ValueError as error:
        raise IntegrityError(f"{where} is not a safetensors file: {error}.") from None
    return header


def read_state(
    contents: bytes, architecture: str, expected: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Parse weights and check them against the network that will hold them.

    Args:
        contents: The bytes of ``model.safetensors``.
        architecture: The name that the file's metadata must carry.
        expected: The network's own state: NumPy arrays (or torch tensors) by name.
        where: What the error calls the file.

    Returns:
        Arrays (or tensors) by name: exactly the names, shapes and dtypes of ``expected``.

    Raises:
        IntegrityError: The file is no safetensors file, or is for another network.
    """
    header = read_header(contents, where)
    named = (header.get("__metadata__") or {}).get("architecture")
    if named != architecture:
        raise IntegrityError(
            f"{where} holds a network {named!r}, its config says {architecture!r}."
        )
    state = _parse(contents, where, as_numpy=_all_numpy(expected))
    missing, extra = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or extra:
        raise IntegrityError(
            f"{where} does not fit {architecture}: "
            f"missing {_names(missing)}; not in the network {_names(extra)}."
        )
    for name, want in expected.items():
        got = state[name]
        if tuple(got.shape) != tuple(want.shape) or got.dtype != want.dtype:
            raise IntegrityError(
                f"{where} does not fit {architecture}: {name} is {tuple(got.shape)} {got.dtype}, "
                f"the network has {tuple(want.shape)} {want.dtype}."
            )
    return state


def _parse(contents: bytes, where: str, as_numpy: bool) -> dict[str, Any]:
    from safetensors import SafetensorError

    try:
        if as_numpy:
            from safetensors.numpy import load

            return load(contents)
        from safetensors.torch import load as load_torch

        return load_torch(contents)
    except (SafetensorError, ValueError, KeyError) as error:
        raise IntegrityError(f"{where} is not a valid safetensors file: {error}.") from None


def _all_numpy(state: Mapping[str, Any]) -> bool:
    return all(isinstance(value, np.ndarray | np.generic) for value in state.values())


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:4]) or "nothing"
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")
