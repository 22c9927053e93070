"""Download files from the Hub in a process of its own, which `zoo.weights.hub` starts and may end.

A thread that waits for a silent server cannot be stopped, a process can; and what the Hub client
holds (locks, connections, Xet's threads) goes with it. The parent passes one JSON request as the
only argument; this process answers with one JSON event a line on stdout:

``ready`` (imports are done, the clock may start), ``answer`` (the Hub knows the file), ``bytes``
(something arrived), ``log`` (what the client complains about), ``file`` (a file is complete),
``stale`` (the Hub fails, the cache knows the branch), ``error`` (one sentence; the process ends).

It is run as a script and imports nothing of the zoo, so it works wherever the parent works.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import signal
import sys
import time
from typing import Any

_CHUNK_BYTES = 4096  # the client's own 10 MB would be silence for minutes on a slow line
_REPORT_SECONDS = 0.1


def emit(event: str, **values: Any) -> None:
    """Write one event; a parent that is gone ends this process."""
    print(json.dumps({"event": event, **values}), flush=True)


class Progress:
    """Stands in for the client's tqdm bar (plain and Xet) and reports bytes instead."""

    def __init__(self, *_: Any, total: int | None = None, initial: int = 0, **__: Any) -> None:
        self.total, self.n = total, initial
        self._reported = 0.0

    def update(self, n: float | None = 1) -> None:
        """Count bytes of the file."""
        self.n += int(n or 0)
        self.update_transfer()

    def update_transfer(self, n: float | None = 1) -> None:
        """Report; with Xet bytes arrive that are not part of the file yet: a sign of life."""
        now = time.monotonic()
        if self.n == self.total or now - self._reported > _REPORT_SECONDS:
            self._reported = now
            emit("bytes", done=self.n, total=self.total)

    def set_postfix_str(self, *_: Any, **__: Any) -> None:
        """Ignore what the client would show beside a bar."""

    set_transfer_postfix_str = set_postfix_str

    def refresh(self, *_: Any, **__: Any) -> None:
        """Ignore a request to redraw."""

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _LogEvents(logging.Handler):
    """Hands the client's warnings to the parent: the last one explains a deadline."""

    def emit(self, record: logging.LogRecord) -> None:
        emit("log", text=record.getMessage().splitlines()[0][:300])


def main() -> None:
    """Serve the request in ``sys.argv[1]``."""
    request = json.loads(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT):  # by an exception: half-written files go too
        signal.signal(number, lambda *_: sys.exit(3))
    try:
        # all that takes time, before the clock starts; on a busy machine this is seconds
        import huggingface_hub
        from huggingface_hub import constants, get_session, hf_hub_download  # noqa: F401

        get_session()
    except ImportError:
        text = "the package huggingface_hub is missing: pip install huggingface_hub."
        emit("error", text=text, silent=False)
        return
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK_BYTES
    client_log = huggingface_hub.logging.get_logger("huggingface_hub")
    client_log.addHandler(_LogEvents())
    emit("ready")
    try:
        for name, path in download(request):
            emit("file", name=name, path=path)
    except Exception as error:
        emit("error", text=explain(error, request), silent=_is_silence(error))


def download(request: dict[str, Any]) -> Any:
    """Yield name and path of each file as it is complete.

    The first thing is one HEAD request whose errors are final. Left to itself the client treats
    many of them as "no network" and goes on trying for a long time.
    """
    from huggingface_hub import hf_hub_download

    where = {key: request[key] for key in ("repo_id", "revision", "endpoint", "cache_dir")}
    local = False
    try:
        _ask(request)
    except Exception as error:
        if not _cached(where, request):
            raise
        local = True
        emit("stale", text=explain(error, request))
    for name in request["names"]:
        request["asked"] = name
        yield (
            name,
            hf_hub_download(
                filename=name,
                **where,
                force_download=request["force"],
                local_files_only=local,
                etag_timeout=request["timeout"],
                tqdm_class=Progress,
            ),
        )


def _ask(request: dict[str, Any]) -> None:
    """Ask for the first file's metadata; a failing server gets one second chance."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    endpoint = request["endpoint"]
    request["asked"] = request["names"][0]
    url = hf_hub_url(
        request["repo_id"], request["asked"], revision=request["revision"], endpoint=endpoint
    )
    for last in (False, True):
        try:
            get_hf_file_metadata(url, timeout=request["timeout"], endpoint=endpoint)
            emit("answer")
            return
        except HfHubHTTPError as error:
            if last or error.response.status_code < 500:
                raise
            time.sleep(0.5)


def _cached(where: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether the client's cache has every file of a branch or tag as it last was."""
    from huggingface_hub import try_to_load_from_cache

    if request["force"]:
        return False
    look = {key: where[key] for key in ("repo_id", "revision", "cache_dir")}
    return all(
        isinstance(try_to_load_from_cache(filename=name, **look), str) for name in request["names"]
    )


def _is_silence(error: BaseException) -> bool:
    """Whether nobody answered, so that asking again at once would cost the same time again."""
    import httpx2

    return any(
        isinstance(each, httpx2.TimeoutException | httpx2.ConnectError)
        for each in (error, error.__cause__)
    )


def explain(error: BaseException, request: dict[str, Any]) -> str:
    """Say in one sentence what went wrong and what to do about it."""
    import httpx2
    from huggingface_hub import errors

    repo, revision = request["repo_id"], request["revision"]
    if isinstance(error, errors.LocalEntryNotFoundError | ValueError) and error.__cause__:
        error = error.__cause__  # the client wraps the reason into "check your connection"
    if isinstance(error, errors.GatedRepoError):
        return (
            f"the repo {repo} is gated: ask for access on its page, then log in with "
            "`hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the repo {repo} has no revision {revision!r}; check the revision (ZOO_REVISION)."
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(
        error, errors.LocalEntryNotFoundError
    ):
        return f"the repo {repo} has no {request['asked']} in revision {revision}."
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
        return _explain_status(error, repo)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so nothing can be downloaded."
    if isinstance(error, httpx2.TimeoutException):
        return "the Hub did not answer in time; try again later."
    if isinstance(error, httpx2.ConnectError):
        return f"there is no connection to {request['endpoint']}; check the network."
    if isinstance(error, httpx2.HTTPError):
        return "the connection broke off before the whole file had arrived; try again."
    if number := re.search(r"\(os error (\d+)\)", str(error)):  # Xet's way to say OSError
        error = OSError(int(number[1]), os.strerror(int(number[1])))
    if isinstance(error, OSError):
        return _explain_os(error, request["cache_dir"])
    return f"the download failed ({type(error).__name__}: {str(error).splitlines()[0][:200]})."


def _explain_status(error: Any, repo: str) -> str:
    from huggingface_hub import errors

    status = error.response.status_code
    if isinstance(error, errors.RepositoryNotFoundError) or status == 404:
        return f"there is no repo {repo} on the Hub, or it is private and no token gives access."
    if status == 401:
        return (
            "the Hub refused the token; renew it with `hf auth login` or HF_TOKEN, or remove it "
            "(a public repo needs none)."
        )
    if status == 403:
        return f"this account may not read {repo}."
    if status == 429:
        return "the Hub asks for fewer requests (HTTP 429); try again in some minutes."
    return f"the Hub is failing (HTTP {status}); try again later."


def _explain_os(error: OSError, cache: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of the cache {cache} is full; free space, or set HF_HOME elsewhere."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"the cache {cache} cannot be written; set HF_HOME to a folder of this user."
    if "Consistency check failed" in str(error):
        return "the file that arrived has not the size that the Hub announced; try again."
    reason = (error.strerror or str(error)).splitlines() or ["unknown reason"]
    return f"the download failed ({reason[0][:200]}); try again."


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the parent is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)
