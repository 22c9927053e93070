"""From a model's name to its verified files: out of the bundle, the Hub or a folder.

Where files come from is one function a source, with the same signature, ``(info, revision) ->
Files``: :func:`from_bundle`, :func:`from_hub`. :func:`resolve` chooses among them.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.errors import HubError, IntegrityError, ZooError
from zoo.weights import hub
from zoo.weights.catalog import read_catalog
from zoo.weights.integrity import parse_json, read_bytes, read_verified
from zoo.weights.model_info import CONFIG, RECORD, WEIGHTS, ModelInfo


@dataclass(frozen=True)
class Files:
    """The files of one model, in memory, and where they came from.

    Attributes:
        contents: Bytes by file name; until :meth:`hand_over`.
        source: ``"bundle"``, ``"hub"`` or the path of a folder.
        revision: The Hub revision, or None.
        notice: One sentence that a user should see (a fallback happened), or None.
    """

    contents: dict[str, bytes]
    source: str
    revision: str | None = None
    notice: str | None = None

    def json(self, name: str) -> dict[str, Any]:
        """Parse one JSON file.

        Raises:
            IntegrityError: The file is no JSON object.
        """
        return parse_json(self.contents[name], f"{name} of {self.source}")

    def hand_over(self, name: str) -> memoryview:
        """Return a file's memory, which its new owner may write to; here it is gone.

        So a network's tensors lie where the file was read to. (What is in nobody else's hands
        `io.BytesIO` gives out as it is; else it would be a copy.)
        """
        return io.BytesIO(self.contents.pop(name)).getbuffer()


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
            A model of one's own has its folder, and no other source.
        revision: Commit hash, tag or branch on the Hub; None for the pinned one.
        timeout: Seconds of silence after which the Hub counts as failed; None for ``ZOO_TIMEOUT``
            from the environment, else 20.

    Raises:
        IntegrityError: A file is missing, or differs from what the catalog pins.
        HubError: ``source="hub"`` and the Hub cannot deliver.
        ZooError: A model of one's own is asked for from elsewhere.
    """
    if info.folder is not None:
        return from_own(info, source, revision)
    if source == "bundle" or (source == "auto" and hub.repository() is None):
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
        return _bundle_after(error, info)


def from_own(info: ModelInfo, source: str | Path = "auto", revision: str | None = None) -> Files:
    """Read a model that ``ZOO_EXTRA`` names from its folder."""
    assert info.folder is not None
    if source != "auto" or revision is not None:
        raise ZooError(
            f"{info.name} is a model of {info.folder}, which ZOO_EXTRA names; leave source and "
            "revision out."
        )
    return from_folder(info.folder)


def instead(
    files: Files,
    info: ModelInfo,
    source: str | Path,
    revision: str | None,
    error: IntegrityError,
) -> Files:
    """Return the bundle where the Hub's files, though as pinned, turned out to be unusable.

    Args:
        files: What `resolve` returned for ``source`` and ``revision``.
        info: The catalog's entry.
        source: Only ``"auto"`` falls back.
        revision: What was asked for; the bundle is no stand-in for a revision.
        error: What is wrong with the files.

    Raises:
        IntegrityError: The error itself, where nothing may stand in.
    """
    if source != "auto" or files.source != "hub" or revision is not None:
        raise error from None
    return _bundle_after(error, info)


def _bundle_after(error: ZooError, info: ModelInfo) -> Files:
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
    """Read and verify a repo's files, its cache first; see :func:`zoo.weights.hub.pull`."""
    pulled = hub.pull(info, revision, timeout, insist=insist)
    return Files(dict(pulled.contents), "hub", pulled.commit, pulled.notice)


def from_folder(folder: Path, info: ModelInfo | None = None) -> Files:
    """Read a folder that the user names; a notice tells when it differs from the catalog."""
    if not folder.is_dir():
        raise ZooError(
            f'There is no folder {str(folder)!r}; source is "auto", "bundle", "hub" or a folder '
            f"with {WEIGHTS} and {CONFIG}."
        )
    contents = {
        name: read_bytes(folder / name, "name a folder that has it") for name in (WEIGHTS, CONFIG)
    }
    notice = None
    if info is not None and any(
        hashlib.sha256(content).hexdigest() != info.files[name].sha256
        for name, content in contents.items()
    ):
        notice = f"The weights in {folder} are not the published {info.name}."
    record = folder / RECORD
    contents[RECORD] = read_bytes(record, "") if record.is_file() else b"{}"
    return Files(contents, str(folder), notice=notice)
