"""From a model's name to its verified files, and from ``model.safetensors`` to arrays.

Every file is read once into memory, its size and SHA-256 are compared with the catalog, and what
is parsed afterwards is those same bytes: what was hashed is what is used, even if the file on the
disk changes in between. safetensors is the only format of weights; nothing is ever unpickled.

Where files come from is one function a source, with the same signature, ``(info, revision) ->
Files``: :func:`from_bundle`, :func:`from_hub`. :func:`resolve` chooses among them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.catalog import CONFIG, RECORD, WEIGHTS, FileInfo, ModelInfo, read_catalog
from zoo.errors import HubError, IntegrityError, ZooError

_HEADER_LIMIT = 100_000_000  # the limit of the safetensors format itself


@dataclass(frozen=True)
class Files:
    """The files of one model, in memory, and where they came from.

    Attributes:
        contents: Bytes by file name.
        source: ``"bundle"``, ``"hub"`` or the path of a folder.
        revision: The Hub revision, or None.
        notice: One sentence that a user should see (a fallback happened), or None.
    """

    contents: Mapping[str, bytes]
    source: str
    revision: str | None = None
    notice: str | None = None

    def json(self, name: str) -> dict[str, Any]:
        """Parse one JSON file.

        Raises:
            IntegrityError: The file is no JSON object.
        """
        try:
            value = json.loads(self.contents[name])
        except ValueError as error:
            raise IntegrityError(f"{name} of {self.source} is not valid JSON: {error}.") from None
        if not isinstance(value, dict):
            raise IntegrityError(f"{name} of {self.source} is not a JSON object.")
        return value


def resolve(
    info: ModelInfo,
    source: str | Path = "auto",
    revision: str | None = None,
    timeout: float | None = None,
) -> Files:
    """Find a model's files and verify them.

    Args:
        info: The catalog's entry.
        source: ``"bundle"`` reads what ships with the code, ``"hub"`` the Hub or its cache,
            ``"auto"`` the Hub when a repo is configured and else the bundle (and the bundle, with
            a notice, when the Hub fails). Anything else is the path of a folder, such as a
            training run: its files are read strictly but nothing pins them, and a notice says so.
        revision: Commit hash, tag or branch on the Hub; None for the pinned one.
        timeout: Seconds of silence after which the Hub counts as failed; None for ``ZOO_TIMEOUT``
            from the environment, else 20.

    Raises:
        IntegrityError: A file is missing, or differs from what the catalog pins.
        HubError: ``source="hub"`` and the Hub cannot deliver.
    """
    from zoo.hub import repository

    if source == "bundle" or (source == "auto" and repository() is None):
        if revision is not None:
            raise HubError(
                f"Revision {revision!r} exists only on the Hub, and these weights come from the "
                'bundle; set ZOO_REPO="owner/name" or leave the revision out.'
            )
        return from_bundle(info)
    if source == "hub":
        return from_hub(info, revision, timeout)
    if source != "auto":
        return from_folder(Path(source), info)
    try:
        return from_hub(info, revision, timeout, insist=False)
    except (HubError, IntegrityError) as error:  # also when the Hub sends something wrong
        if revision is not None:  # the bundle is not the revision that was asked for
            raise
        notice = f"These are the bundled weights, because the Hub failed: {error}"
        return replace(from_bundle(info), notice=notice)


def from_bundle(info: ModelInfo, revision: str | None = None) -> Files:
    """Read and verify the weights that ship with the code."""
    folder = read_catalog().bundle / info.name
    advice = "install the package again (pip install --force-reinstall .)"
    contents = {
        file.name: read_verified(folder / file.name, file, advice) for file in info.files.values()
    }
    return Files(contents, "bundle", revision)


def from_hub(
    info: ModelInfo,
    revision: str | None = None,
    timeout: float | None = None,
    insist: bool = True,
) -> Files:
    """Read and verify the files of the Hub repo (its cache first); see :func:`zoo.hub.pull`."""
    from zoo import hub  # here, because hub verifies with this module

    pulled = hub.pull(info, revision, timeout, insist=insist)
    return Files(pulled.contents, "hub", pulled.commit, pulled.notice)


def from_folder(folder: Path, info: ModelInfo | None = None) -> Files:
    """Read a folder that the user names; a notice tells when it differs from the catalog."""
    if not folder.is_dir():
        raise ZooError(
            f'There is no folder {str(folder)!r}; source is "auto", "bundle", "hub" or a folder '
            f"with {WEIGHTS} and {CONFIG}."
        )
    contents = {
        name: _read(folder / name, "name a folder that has it") for name in (WEIGHTS, CONFIG)
    }
    notice = None
    if info is not None and any(
        hashlib.sha256(content).hexdigest() != info.files[name].sha256
        for name, content in contents.items()
    ):
        notice = f"The weights in {folder} are not the published {info.name}."
    record = folder / RECORD
    contents[RECORD] = _read(record, "") if record.is_file() else b"{}"
    return Files(contents, str(folder), notice=notice)


def read_verified(path: Path, pin: FileInfo, advice: str) -> bytes:
    """Read a file once and return its bytes if they are the pinned ones.

    Args:
        path: The file.
        pin: Its size and SHA-256 in the catalog.
        advice: What a user should do about a bad file, ``"install the package again"``.

    Raises:
        IntegrityError: The file is missing, or its size or SHA-256 differs.
    """
    contents = _read(path, advice, limit=pin.size)
    verify(contents, pin, str(path), advice)
    return contents


def verify(contents: bytes, pin: FileInfo, where: str, advice: str) -> None:
    """Raise :class:`IntegrityError` unless ``contents`` has the pinned size and SHA-256."""
    if len(contents) != pin.size:
        raise IntegrityError(f"{where} has not the {pin.size:,} bytes that are pinned; {advice}.")
    digest = hashlib.sha256(contents).hexdigest()
    if digest != pin.sha256:
        raise IntegrityError(
            f"{where} is damaged or was changed: its sha256 is {digest[:12]}…, "
            f"{pin.sha256[:12]}… is pinned; {advice}."
        )


def _read(path: Path, advice: str, limit: int = -1) -> bytes:
    """Read a file; with a limit, one byte more at the most, enough to see that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1 if limit >= 0 else -1)
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing; {advice}.") from None
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read ({error.strerror}); {advice}.") from None


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
