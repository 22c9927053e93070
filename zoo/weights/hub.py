"""The Hugging Face Hub: which repo and revision are meant, and files that are what they claim.

The Hub client checks the *size* of what it downloads, not its sha256, retries for minutes, and
waits as long as a server keeps silent. So this module adds what a demo on the open internet needs:

- The revision is a commit hash, pinned in the catalog; its files are checked against the hashes
  in the catalog. Any other revision brings its own ``manifest.json``, and its files are checked
  against that. Nothing is parsed before it is checked. A file that does not match is downloaded
  once more by force; if it still does not match, that is an error.
- Downloads run in a process of their own (:mod:`zoo.weights.hub_download`). When nothing arrives
  for
  ``timeout`` seconds the process is ended and the caller gets a :class:`~zoo.errors.HubError`.
- What is in the client's cache, and matches, needs no network at all.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import HubError, IntegrityError
from zoo.weights import integrity
from zoo.weights.catalog import FileInfo, ModelInfo, read_catalog
from zoo.weights.hub_process import Growing, events
from zoo.weights.hub_progress import Progress, shown

MANIFEST = "manifest.json"
TIMEOUT = 20.0  # seconds without a byte
_MEMORY = 60.0  # seconds for which a silent Hub is not asked again unless the caller insists
_MANIFEST_LIMIT = 4_000_000
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPO = re.compile(r"[\w.-]+/[\w.-]+")


_silences: dict[str, tuple[float, str]] = {}  # by repo: when the Hub kept silent, what was said


@dataclass(frozen=True)
class Pulled:
    """What :func:`pull` returns.

    Attributes:
        contents: Verified bytes by file name (``"model.safetensors"``, ...).
        commit: The commit that they belong to, 40 hex digits.
        notice: One sentence that a user should see, or None.
    """

    contents: Mapping[str, bytes]
    commit: str
    notice: str | None = None


def repository() -> str | None:
    """Return the Hub repo in use, or None.

    ``ZOO_REPO`` in the environment, else the catalog's if the catalog pins a commit of it. (After
    a new export it does not: the Hub has other weights then, until they are published.)
    """
    catalog = read_catalog()
    return os.environ.get("ZOO_REPO") or (catalog.repo if catalog.revision else None)


def revision_in_use(revision: str | None = None) -> str:
    """Return the revision that a load reads.

    Args:
        revision: What the caller asked for; None means ``ZOO_REVISION``, then the commit that the
            catalog pins, then ``main`` (for a repo of which the catalog knows nothing).
    """
    catalog = read_catalog()
    pinned = catalog.revision if repository() == catalog.repo else None
    return revision or os.environ.get("ZOO_REVISION") or pinned or "main"


def timeout_in_use(timeout: float | None = None) -> float:
    """Return the deadline in seconds: the argument, else ``ZOO_TIMEOUT``, else 20.

    Raises:
        HubError: It is no positive number.
    """
    value: Any = timeout if timeout is not None else os.environ.get("ZOO_TIMEOUT") or TIMEOUT
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not seconds > 0:
        raise HubError(f"The timeout {value!r} (ZOO_TIMEOUT) must be a number of seconds above 0.")
    return seconds


def pull(
    info: ModelInfo,
    revision: str | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
    insist: bool = True,
) -> Pulled:
    """Get a model's files from the cache or the Hub, and verify every one of them.

    Args:
        info: The catalog's entry.
        revision: Commit hash, tag or branch; see :func:`revision_in_use`.
        timeout: Seconds without a byte after which the Hub counts as failed; see
            :func:`timeout_in_use`.
        progress: Called as bytes arrive; None draws a bar on a terminal when it takes long.
        insist: False does not ask a Hub again that kept silent in the last minute, so that a page
            with three models waits for the deadline once and not three times.

    Raises:
        HubError: No repo is configured, or the Hub cannot deliver.
        IntegrityError: What arrives, twice, is not what is pinned.
    """
    repo = repository()
    if repo is None:
        raise HubError(
            'No Hub repo is configured: set ZOO_REPO="owner/name", '
            'or use the weights that ship with the code (source="bundle").'
        )
    if not _REPO.fullmatch(repo):
        raise HubError(f"ZOO_REPO is {repo!r}, but a repo is named owner/name.")
    source = _Source(repo, timeout_in_use(timeout), insist)
    wanted = revision_in_use(revision)
    catalog = read_catalog()
    with shown(progress) as report:
        if repo == catalog.repo and wanted == catalog.revision:
            return Pulled(source.files(info.name, info.files, wanted, report), wanted)
        commit, pins, stale = source.manifest(info, wanted, report)
        contents = source.files(info.name, pins, commit, report)
    notice = stale
    if not notice and any(pins[name].sha256 != pin.sha256 for name, pin in info.files.items()):
        notice = (
            f"These are the files of {repo} at {wanted}, "
            "not those that this version of the code pins."
        )
    return Pulled(contents, commit, notice)


class _Source:
    """A repo on the Hub, read through the client's cache."""

    def __init__(self, repo: str, timeout: float, insist: bool) -> None:
        self.repo, self.timeout, self.insist = repo, timeout, insist

    def manifest(
        self, info: ModelInfo, revision: str, report: Progress
    ) -> tuple[str, dict[str, FileInfo], str | None]:
        """Return a revision's commit, its own pins of the model's files, and a notice or None."""
        notice: list[str] = []
        path = self._cached(MANIFEST, revision) if _COMMIT.fullmatch(revision) else None
        if path is None:
            path = self._download([MANIFEST], revision, report, notice=notice)[MANIFEST]
        commit = path.parent.name  # <cache>/models--owner--name/snapshots/<commit>/manifest.json
        stale = None
        if notice:
            stale = (
                f"The Hub could not be asked ({notice[0].rstrip('.')}), so {revision} is what "
                f"the cache last saw, commit {commit[:12]}."
            )
        return commit, self._pins(path, info, revision), stale

    def _pins(self, path: Path, info: ModelInfo, revision: str) -> dict[str, FileInfo]:
        where = f"{MANIFEST} of {self.repo} at {revision}"
        try:
            with path.open("rb") as file:
                listed = json.loads(file.read(_MANIFEST_LIMIT))["files"]
            pins = {}
            for name in info.files:
                entry = listed.get(f"{info.name}/{name}")
                if entry is None:
                    raise HubError(f"{self.repo} has no model {info.name!r} at {revision}.")
                pins[name] = FileInfo(name, int(entry["size"]), str(entry["sha256"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(
                f"{where} cannot be read ({type(error).__name__}), so its files cannot be "
                "checked; publish that revision again (python -m training.publish)."
            ) from None
        return pins

    def files(
        self, model: str, pins: Mapping[str, FileInfo], commit: str, report: Progress
    ) -> dict[str, bytes]:
        """Return the verified contents of a model's files, downloading what is missing or bad."""
        contents: dict[str, bytes] = {}
        missing: list[str] = []
        bad: list[str] = []
        for name, pin in pins.items():
            path = self._cached(f"{model}/{name}", commit)
            found = _matching(path, pin) if path else None
            if found is not None:
                contents[name] = found
            else:
                (bad if path else missing).append(name)
        if missing:
            paths = self._download([f"{model}/{name}" for name in missing], commit, report)
            for name in missing:
                found = _matching(paths[f"{model}/{name}"], pins[name])
                if found is None:
                    bad.append(name)
                else:
                    contents[name] = found
        if bad:
            contents |= self._once_more(model, bad, pins, commit, report)
        return contents

    def _once_more(
        self,
        model: str,
        names: list[str],
        pins: Mapping[str, FileInfo],
        commit: str,
        report: Progress,
    ) -> dict[str, bytes]:
        """Download files that do not match again, by force; what still does not match, fails."""
        wanted = [f"{model}/{name}" for name in names]
        try:
            paths = self._download(wanted, commit, report, force=True)
        except HubError as error:
            raise HubError(
                f"{', '.join(wanted)} in the cache is damaged and cannot be replaced: {error}"
            ) from None
        advice = (
            f"the Hub sent it twice, so tell the owner of {self.repo}, or use the weights that "
            'ship with the code (source="bundle")'
        )
        contents = {}
        for name in names:
            contents[name] = _read(paths[f"{model}/{name}"], pins[name])
            integrity.verify(contents[name], pins[name], f"{model}/{name} from the Hub", advice)
        return contents

    def _cached(self, name: str, commit: str) -> Path | None:
        """Return the path of a file in the client's cache; no request is made."""
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.constants import HF_HUB_CACHE

        path = try_to_load_from_cache(self.repo, name, cache_dir=HF_HUB_CACHE, revision=commit)
        return Path(path) if isinstance(path, str) else None

    def _download(
        self,
        names: list[str],
        revision: str,
        report: Progress,
        force: bool = False,
        notice: list[str] | None = None,
    ) -> dict[str, Path]:
        """Run the download process under the deadline; paths by name."""
        from huggingface_hub import constants

        when, said = _silences.get(self.repo, (-_MEMORY, ""))
        if not self.insist and time.monotonic() - when < _MEMORY:
            raise HubError(said)

        request: dict[str, Any] = {
            "repo_id": self.repo,
            "revision": revision,
            "names": names,
            "force": force,
            "endpoint": constants.ENDPOINT,
            "cache_dir": str(constants.HF_HUB_CACHE),
            # shorter than ours, so that the client's own error comes first and says more
            "timeout": 0.9 * self.timeout,
        }
        paths: dict[str, Path] = {}
        growing = Growing(Path(request["cache_dir"]) / f"models--{self.repo.replace('/', '--')}")
        for event in events(request, self.timeout, growing):
            kind = event["event"]
            if kind == "error":
                text = _sentence(event["text"])
                if event["silent"]:
                    _silences[self.repo] = (time.monotonic(), text)
                raise HubError(text)
            if kind == "stale" and notice is not None:
                notice.append(_sentence(event["text"]))
            elif kind == "bytes":
                report(names[min(len(paths), len(names) - 1)], event["done"], event["total"] or 0)
            elif kind == "file":
                paths[event["name"]] = Path(event["path"])
        if set(paths) != set(names):
            raise HubError("The download process ended without an answer; try again.")
        _silences.pop(self.repo, None)
        return paths


def _matching(path: Path, pin: FileInfo) -> bytes | None:
    """Return a file's bytes if they are the pinned ones."""
    contents = _read(path, pin)
    try:
        integrity.verify(contents, pin, "", "")
    except IntegrityError:
        return None
    return contents


def _read(path: Path, pin: FileInfo) -> bytes:
    """Read at most one byte more than a file should have; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(pin.size + 1)
    except OSError:
        return b""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
