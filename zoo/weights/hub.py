"""The Hugging Face Hub: which repo and revision are meant, and files that are what they claim.

The Hub client checks the *size* of what it downloads, not its sha256, and waits as long as a server
keeps silent. So this module adds what a demo on the open internet needs:

- The revision is a commit hash, pinned in the catalog; its files are checked against the hashes
  in the catalog. Any other revision brings its own ``manifest.json``, and its files are checked
  against that. Nothing is parsed before it is checked. A file that does not match is downloaded
  once more by force; if it still does not match, that is an error.
- When nothing arrives for ``timeout`` seconds, the download is given up
  (:mod:`zoo.weights.hub_download`) and the caller gets a :class:`~zoo.errors.HubError`, which
  names the cause (:mod:`zoo.weights.hub_causes`).
- What is in the client's cache, and matches, needs no network at all.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import HubError, IntegrityError
from zoo.weights import integrity
from zoo.weights.catalog import read_catalog
from zoo.weights.model_info import FileInfo, ModelInfo

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
    insist: bool = True,
) -> Pulled:
    """Get a model's files from the cache or the Hub, and verify every one of them.

    Args:
        info: The catalog's entry.
        revision: Commit hash, tag or branch; see :func:`revision_in_use`.
        timeout: Seconds without a byte after which the Hub counts as failed; see
            :func:`timeout_in_use`.
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
    if repo == catalog.repo and wanted == catalog.revision:
        return Pulled(source.files(info.name, info.files, wanted), wanted)
    commit, pins, stale = source.manifest(info, wanted)
    contents = source.files(info.name, pins, commit)
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
        self, info: ModelInfo, revision: str
    ) -> tuple[str, dict[str, FileInfo], str | None]:
        """Return a revision's commit, its own pins of the model's files, and a notice or None."""
        path = self._cached(MANIFEST, revision) if _COMMIT.fullmatch(revision) else None
        notice = None
        if path is None:
            paths, why = self._download([MANIFEST], revision)
            path = paths[MANIFEST]
            if why:
                notice = (
                    f"The Hub could not be asked ({why.rstrip('.')}), so {revision} is what the "
                    f"cache last saw, commit {path.parent.name[:12]}."
                )
        commit = path.parent.name  # <cache>/models--owner--name/snapshots/<commit>/manifest.json
        return commit, self._pins(path, info, revision), notice

    def _pins(self, path: Path, info: ModelInfo, revision: str) -> dict[str, FileInfo]:
        where = f"{MANIFEST} of {self.repo} at {revision}"
        try:
            with path.open("rb") as file:
                listed = integrity.parse_json(file.read(_MANIFEST_LIMIT), where)["files"]
            pins = {}
            for name in info.files:
                entry = listed.get(f"{info.name}/{name}")
                if entry is None:
                    raise HubError(f"{self.repo} has no model {info.name!r} at {revision}.")
                pins[name] = FileInfo(name, *_pin(entry))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(
                f"{where} cannot be read ({type(error).__name__}), so its files cannot be "
                "checked; publish that revision again (python -m training.publish)."
            ) from None
        return pins

    def files(self, model: str, pins: Mapping[str, FileInfo], commit: str) -> dict[str, bytes]:
        """Return the verified contents of a model's files, downloading what is missing or bad."""
        contents: dict[str, bytes] = {}
        missing: list[str] = []
        for name, pin in pins.items():
            path = self._cached(f"{model}/{name}", commit)
            if path is None:
                missing.append(name)
            else:
                contents[name] = _read(path, pin)
        if missing:
            paths, _ = self._download([f"{model}/{name}" for name in missing], commit)
            contents |= {name: _read(paths[f"{model}/{name}"], pins[name]) for name in missing}
        bad = [name for name, pin in pins.items() if not integrity.matches(contents[name], pin)]
        if bad:
            contents |= self._once_more(model, bad, pins, commit)
        return contents

    def _once_more(
        self,
        model: str,
        names: list[str],
        pins: Mapping[str, FileInfo],
        commit: str,
    ) -> dict[str, bytes]:
        """Download files that do not match again, by force; what still does not match, fails."""
        wanted = [f"{model}/{name}" for name in names]
        try:
            paths, _ = self._download(wanted, commit, force=True)
        except HubError as error:
            raise HubError(
                f"{', '.join(wanted)} in the cache is damaged and cannot be replaced: {error}"
            ) from None
        advice = (
            f"the Hub sent it twice, so tell the owner of {self.repo}, or use the weights that "
            'ship with the code (source="bundle")'
        )
        contents = {name: _read(paths[f"{model}/{name}"], pins[name]) for name in names}
        for name, content in contents.items():
            integrity.verify(content, pins[name], f"{model}/{name} from the Hub", advice)
        return contents

    def _cached(self, name: str, commit: str) -> Path | None:
        """Return the path of a file in the client's cache; no request is made."""
        with _client():
            from huggingface_hub import constants, try_to_load_from_cache

            path = try_to_load_from_cache(
                self.repo, name, cache_dir=constants.HF_HUB_CACHE, revision=commit
            )
        return Path(path) if isinstance(path, str) else None

    def _download(
        self, names: list[str], revision: str, force: bool = False
    ) -> tuple[dict[str, Path], str | None]:
        """Return paths by name, and why the cache answered for the Hub (None: it did not)."""
        when, said = _silences.get(self.repo, (-_MEMORY, ""))
        if not self.insist and time.monotonic() - when < _MEMORY:
            raise HubError(said)
        with _client():
            from zoo.weights import hub_causes, hub_download

            hub_causes.check_settings()
        download = hub_download.Download(
            self.repo, revision, names, self.timeout, force, self.insist
        )

        def why(error: BaseException) -> str:
            return hub_causes.explain(error, self.repo, revision, download.asked)

        try:
            paths = download.wait()
        except hub_download.Silence:
            text = f"The Hub sent nothing for {self.timeout:g} seconds; try again later."
            _silences[self.repo] = (time.monotonic(), text)
            raise HubError(text) from None
        except Exception as error:
            if hub_causes.is_silence(error) or hub_causes.is_hiccup(error):
                _silences[self.repo] = (time.monotonic(), why(error))
            raise HubError(why(error)) from None
        _silences.pop(self.repo, None)
        return paths, None if download.stale is None else why(download.stale)


def _pin(entry: Mapping[str, Any]) -> tuple[int, str]:
    """Return size and sha256 of one entry of a manifest."""
    size, sha256 = entry["size"], entry["sha256"]
    if type(size) is not int or not 0 <= size <= integrity.MAX_SIZE:
        raise ValueError(f"a size of {size!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError(f"a sha256 of {sha256!r}")
    return size, sha256


def _read(path: Path, pin: FileInfo) -> bytes:
    """Read at most one byte more than a file should have; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(pin.size + 1)
    except OSError:
        return b""


@contextmanager
def _client() -> Iterator[None]:
    """Import the Hub client; what its import raises (it reads settings) is one sentence."""
    try:
        yield
    except ImportError as error:
        raise HubError(f"The Hub client is missing ({error}); reinstall the package.") from None
    except ValueError as error:
        names = [name for name in os.environ if name.startswith("HF_")]
        guilty = [name for name in names if repr(os.environ[name]) in str(error)] or names
        raise HubError(
            f"The Hub client cannot start ({error}); correct {' or '.join(guilty)}."
        ) from None
