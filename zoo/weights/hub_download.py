"""Download files with the Hub's own client, in a thread that is watched and can be ended.

Left alone the client waits for minutes for a silent server, and a thread that waits cannot be
killed. But its requests pass through hooks of its HTTP session, and there this module sees to it,
for its own threads alone, that a request waits no longer than the deadline, that nothing more is
sent for a caller who has gone, that arriving bytes count as signs of life, and that a read which
hangs can be woken. A thread that is given up so ends within moments: the client removes the
half-written file and releases its lock. Files come by plain HTTP: Xet passes through no session.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from huggingface_hub import constants, get_hf_file_metadata, get_session, hf_hub_url
from huggingface_hub import hf_hub_download as download_file
from huggingface_hub import try_to_load_from_cache as look_up
from huggingface_hub.utils import tqdm

from zoo.weights.hub_causes import is_hiccup, offline

T = TypeVar("T")
_CHUNK = 16_384  # bytes; the client itself reads 10 MB at a time
_GRACE = 2.0  # seconds in which a thread that is given up may tidy up
_PATIENCE = 3.0  # seconds of trying again where there is something to fall back on
_here = threading.local()


class Silence(Exception):
    """Nothing arrived within the deadline."""


class GivenUp(Exception):
    """Raised in a download that nobody waits for any more."""


class Download(threading.Thread):
    """Files of one revision of a repo, on their way into the client's cache.

    Args:
        repo: ``owner/name``.
        revision: Commit hash, tag or branch.
        names: Paths in the repo.
        timeout: Seconds without a byte after which `wait` gives up.
        force: Download again what the cache has.
        insist: False: a Hub that fails at once is tried again for a short time only.

    Attributes:
        asked: The file that is asked for now.
        stale: Why the Hub could not be asked, if the cache answered for it; else None.
    """

    def __init__(
        self,
        repo: str,
        revision: str,
        names: Sequence[str],
        timeout: float,
        force: bool = False,
        insist: bool = True,
    ) -> None:
        super().__init__(name=f"download of {repo}", daemon=True)  # no exit waits for it
        self.where: dict[str, Any] = {
            "repo_id": repo,
            "revision": revision,
            "cache_dir": constants.HF_HUB_CACHE,
        }
        self.names, self.timeout, self.force, self.insist = names, timeout, force, insist
        self.asked = names[0]
        self.stale: Exception | None = None
        self._paths: dict[str, Path] = {}
        self._error: BaseException | None = None
        self._over, self._done = threading.Event(), threading.Event()
        self._connection: Any = None
        self._moved = time.monotonic()  # the last sign of life

    def wait(self) -> dict[str, Path]:
        """Start, and return the paths by name when all files are there.

        Raises:
            Silence: Nothing arrived for ``timeout`` seconds.
            Exception: What the client raised.
        """
        cache = Path(constants.HF_HUB_CACHE, "models--" + self.where["repo_id"].replace("/", "--"))
        self.start()
        size = _half_written(cache)
        try:
            while not self._done.wait(0.2):  # join() takes a thread for dead after a Ctrl-C
                before, size = size, _half_written(cache)
                if size > before:  # also when another process downloads what we wait for
                    self._moved = time.monotonic()
                if time.monotonic() - self._moved > self.timeout:
                    raise Silence
        finally:
            self._give_up()
        if self._error is not None:
            raise self._error
        return self._paths

    def run(self) -> None:
        """Do the work; `wait` hands on what is raised."""
        _here.download = self
        try:
            self._run()
        except BaseException as error:
            self._error = error
        self._done.set()

    def _run(self) -> None:
        """Ask for the first file's head, whose errors are final unless the cache can answer."""
        cached = all(isinstance(look_up(filename=n, **self.where), str) for n in self.names)
        cached = cached and not self.force
        try:
            short = cached or not self.insist
            self._persist(self._ask, min(_PATIENCE, self.timeout) if short else self.timeout)
        except Exception as error:
            if not cached or isinstance(error, GivenUp):
                raise
            self.stale = error
        for name in self.names:
            self.asked = name
            self._paths[name] = Path(self._persist(self._fetch, self.timeout))
            self._moved = time.monotonic()

    def _persist(self, action: Callable[[], T], patience: float) -> T:
        """Do it, and again after each hiccup (HTTP 500, 429, …) while the patience lasts."""
        until, pause = 0.0, 0.5
        while True:
            _watch(get_session())  # the client makes a new session after some errors
            try:
                return action()
            except Exception as error:
                until = until or self._moved + 0.9 * patience
                if not is_hiccup(error) or time.monotonic() + pause > until:
                    raise
            if self._over.wait(pause):
                raise GivenUp
            pause *= 2

    def _ask(self) -> None:
        offline()
        url = hf_hub_url(self.where["repo_id"], self.asked, revision=self.where["revision"])
        get_hf_file_metadata(url, timeout=self.timeout)

    def _fetch(self) -> str:
        return download_file(
            filename=self.asked,
            **self.where,
            force_download=self.force,
            local_files_only=self.stale is not None,
            etag_timeout=self.timeout,
            tqdm_class=_Bar,
        )

    def _give_up(self) -> None:
        """Let go of the thread; it gets a moment to remove its half-written file."""
        self._over.set()
        if not self._done.is_set() and self._connection is not None:
            with suppress(Exception):  # it wakes the read; a connection that is gone needs none
                self._connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._done.wait(_GRACE)

    def time_left(self) -> float:
        """Return the seconds that a request may wait: a little less than the deadline leaves.

        Raises:
            GivenUp: Nobody waits for an answer.
        """
        if self._over.is_set():
            raise GivenUp
        return max(0.95 * (self._moved + self.timeout - time.monotonic()), 0.05)

    def answered(self, response: httpx2.Response) -> None:
        """Note a sign of life, and watch the body of a file."""
        if response.status_code < 400:
            self._moved = time.monotonic()
        response.headers.pop(constants.HUGGINGFACE_HEADER_X_XET_HASH, None)
        if response.request.method == "GET":
            self._connection = response.extensions.get("network_stream")
            response.iter_bytes = lambda chunk_size=None: self._pieces(response)  # type: ignore[method-assign]

    def _pieces(self, response: httpx2.Response) -> Iterator[bytes]:
        try:
            for piece in type(response).iter_bytes(response, _CHUNK):
                self.time_left()
                self._moved = time.monotonic()
                yield piece
        except Exception:
            self.time_left()  # a connection that was shut raises something else
            raise
        finally:
            self._connection = None  # from here on it may be somebody else's


class _Bar(tqdm):
    """The client's bar, for what takes longer than a second."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, delay=1, leave=False)


def _watch(session: httpx2.Client) -> None:
    """Put the hooks into the client's session, and hush its log in our threads, once."""
    for name in ("huggingface_hub.file_download", "huggingface_hub.utils._http"):
        logging.getLogger(name).addFilter(_not_ours)
    hooks = session.event_hooks
    if _before_request not in hooks["request"]:
        session.event_hooks = {
            "request": [*hooks["request"], _before_request],
            "response": [*hooks["response"], _after_response],
        }


def _not_ours(record: logging.LogRecord) -> bool:
    return getattr(_here, "download", None) is None


def _before_request(request: httpx2.Request) -> None:
    if (download := getattr(_here, "download", None)) is not None:
        left = download.time_left()
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)


def _after_response(response: httpx2.Response) -> None:
    if (download := getattr(_here, "download", None)) is not None:
        download.answered(response)


def _half_written(cache: Path) -> int:
    """Return how many bytes lie in half-written files of a repo's cache, whoever writes them."""
    total = 0
    for path in cache.glob("blobs/*.incomplete"):
        with suppress(OSError):  # finished, or removed, in between
            total += path.stat().st_size
    return total
