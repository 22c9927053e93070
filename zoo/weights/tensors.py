"""From the bytes of ``model.safetensors`` to arrays that fit a network, strictly.

safetensors is the only format of weights; nothing is ever unpickled. A file may hold a float32
network in half precision (float16), in half of the bytes: its numbers are widened when it is read.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.errors import IntegrityError
from zoo.weights.integrity import parse_json

_HEADER_LIMIT = 100_000_000  # the limit of the safetensors format itself
_MAX_DIMENSIONS = 8
# Bytes of a number, and its name in NumPy and torch, by its name in safetensors.
_DTYPES = {
    "BOOL": (1, "bool"),
    "U8": (1, "uint8"),
    "I8": (1, "int8"),
    "I16": (2, "int16"),
    "F16": (2, "float16"),
    "BF16": (2, "bfloat16"),
    "I32": (4, "int32"),
    "F32": (4, "float32"),
    "I64": (8, "int64"),
    "F64": (8, "float64"),
}
_WIDTHS = {name: width for width, name in _DTYPES.values()}
_STORED = {"float16": "float32"}  # what a network computes in, by what its file may hold instead


@dataclass(frozen=True)
class Header:
    """What a safetensors file says about itself, checked against its size.

    Attributes:
        tensors: Shape and dtype (``"float32"``) by name.
        metadata: Text by name.
        places: Where each begins, in bytes after the header.
        size: Bytes of all of them.
    """

    tensors: Mapping[str, tuple[tuple[int, ...], str]]
    metadata: Mapping[str, str]
    places: Mapping[str, int]
    size: int

    @property
    def largest(self) -> int:
        """No number in the arguments of the network that these fit is larger."""
        sides = (side for shape, _ in self.tensors.values() for side in shape)
        return max(1024, len(self.tensors), *sides)


def read_header(contents: bytes, where: str) -> Header:
    """Return the header of a safetensors file.

    The format: 8 bytes of little-endian header length, the JSON header, the raw tensors
    (https://github.com/huggingface/safetensors#format).

    Raises:
        IntegrityError: The bytes are no safetensors file, or its tensors are not all there.
    """
    length = int.from_bytes(contents[:8], "little")
    if len(contents) < 8 or length > min(len(contents) - 8, _HEADER_LIMIT):
        raise IntegrityError(f"{where} is not a safetensors file: its header is cut off.")
    try:
        header = parse_json(contents[8 : 8 + length], "its header")
    except IntegrityError as error:
        raise IntegrityError(f"{where} is not a safetensors file: {error}") from None
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise IntegrityError(f"{where} has a __metadata__ that is no object of texts.")
    size = len(contents) - 8 - length
    found = {name: _tensor(name, header[name], size, where) for name in header}
    places = {name: header[name]["data_offsets"][0] for name in found}
    end = 0
    for begin, after in sorted(entry["data_offsets"] for entry in header.values()):
        if begin != end:  # as the library has it: one after the other, and nothing else
            raise IntegrityError(
                f"{where} is not a valid safetensors file: its tensors overlap or leave a gap."
            )
        end = after
    if end != size:
        raise IntegrityError(
            f"{where} is not a valid safetensors file: something comes after its tensors."
        )
    return Header(found, metadata, places, size)


def _tensor(name: str, entry: Any, size: int, where: str) -> tuple[tuple[int, ...], str]:
    """Return shape and dtype of one tensor; its numbers must lie inside the file."""
    try:
        width, dtype = _DTYPES[entry["dtype"]]
        shape, (begin, end) = entry["shape"], entry["data_offsets"]
        whole = all(type(each) is int for each in (*shape, begin, end))
        if not whole or len(shape) > _MAX_DIMENSIONS or min(shape, default=1) < 1:
            raise ValueError
        if not 0 <= begin <= end <= size or end - begin != math.prod(shape) * width:
            raise ValueError
    except (TypeError, ValueError, KeyError):
        raise IntegrityError(
            f"{where} is not a valid safetensors file: the shape, dtype and place that it gives "
            f"for {name[:60]!a} cannot be."
        ) from None
    return tuple(shape), dtype


def check_fit(header: Header, architecture: str, expected: Mapping[str, Any], where: str) -> None:
    """Raise `IntegrityError` unless the tensors are exactly those of a network.

    Args:
        header: Of the file.
        architecture: The name that the file's metadata must carry.
        expected: The network's own state by name: anything with a shape and a dtype.
        where: What the error calls the file.
    """
    named = header.metadata.get("architecture")
    if named != architecture:
        raise IntegrityError(
            f"{where} holds a network {named!a}, its config says {architecture!a}."
        )
    missing = sorted(set(expected) - set(header.tensors))
    extra = sorted(set(header.tensors) - set(expected))
    if missing or extra:
        raise IntegrityError(
            f"{where} does not fit {architecture}: "
            f"missing {_names(missing)}; not in the network {_names(extra)}."
        )
    for name, want in expected.items():
        shape, dtype = header.tensors[name]
        wanted = str(want.dtype).removeprefix("torch.")
        if shape != tuple(want.shape) or _STORED.get(dtype, dtype) != wanted:
            raise IntegrityError(
                f"{where} does not fit {architecture}: {name} is {shape} {dtype}, "
                f"the network has {tuple(want.shape)} {wanted}."
            )


def read_state(contents: memoryview, header: Header, framework: str, where: str) -> dict[str, Any]:
    """Return NumPy arrays (or torch tensors, by the framework) by name, in the memory of the file.

    Those in half precision become float32, in memory of their own.

    Args:
        contents: The whole file; whoever writes to a tensor writes to it.
        header: Its header.
        framework: ``"numpy"`` or ``"torch"``.
        where: What the error calls the file.

    Raises:
        IntegrityError: The library refuses the file.
    """
    begin = len(contents) - header.size
    aligned = all(
        (begin + header.places[name]) % _WIDTHS[dtype] == 0
        for name, (_, dtype) in header.tensors.items()
    )
    if not aligned or sys.byteorder != "little":  # no file of ours, no usual machine
        return _widened(_copied(contents, framework, where), header)
    if framework == "numpy":
        import numpy as np

        def read(name: str, shape: tuple[int, ...], dtype: str) -> Any:
            count, place = math.prod(shape), begin + header.places[name]
            return np.frombuffer(contents, dtype, count, place).reshape(shape)
    else:
        import torch

        def read(name: str, shape: tuple[int, ...], dtype: str) -> Any:
            kind, place = getattr(torch, dtype), begin + header.places[name]
            flat = torch.frombuffer(contents, dtype=kind, count=math.prod(shape), offset=place)
            return flat.view(shape)

    state = {name: read(name, *tensor) for name, tensor in header.tensors.items()}
    return _widened(state, header)


def _widened(state: dict[str, Any], header: Header) -> dict[str, Any]:
    """Replace what is stored in half precision by the numbers that a network computes with."""
    for name, (_, dtype) in header.tensors.items():
        if wanted := _STORED.get(dtype):
            stored = state[name]
            state[name] = stored.astype(wanted) if hasattr(stored, "astype") else stored.float()
    return state


def _copied(contents: memoryview, framework: str, where: str) -> dict[str, Any]:
    """Return the arrays or tensors of any safetensors file, as the library reads it."""
    from safetensors import SafetensorError

    try:
        if framework == "numpy":
            from safetensors.numpy import load

            return load(bytes(contents))
        from safetensors.torch import load as load_torch

        return load_torch(bytes(contents))
    except (SafetensorError, ValueError, KeyError) as error:
        raise IntegrityError(f"{where} is not a valid safetensors file: {error}.") from None


def _names(names: list[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:4]) or "nothing"
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")
