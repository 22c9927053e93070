"""Watch over the download process: hear its events, end it when the Hub keeps silent."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_LIMIT = 60.0  # seconds for the download process to import the client


def events(request: dict[str, Any], timeout: float, growing: Growing) -> Iterator[dict[str, Any]]:
    """Start the download process and yield its events; end it when nothing arrives in time."""
    script = Path(__file__).with_name("hub_download.py")
    # -P: the script's folder holds zoo's modules, which must not stand in for others
    process = subprocess.Popen(
        [sys.executable, "-P", str(script), json.dumps(request)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
    complaint = ""
    limit, last = START_LIMIT, time.monotonic()
    try:
        while True:
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                if growing.grew():  # another process downloads the same file, and we wait for it
                    last = time.monotonic()
                elif time.monotonic() - last > limit:
                    yield {"event": "error", "text": _silence(timeout, complaint), "silent": True}
                    return
                continue
            if line is None:
                return
            event = json.loads(line)
            if event["event"] == "log":
                complaint = event["text"]
                continue
            limit, last = timeout, time.monotonic()
            yield event
    finally:
        _end(process)


def _silence(timeout: float, complaint: str) -> str:
    reason = f" ({complaint.rstrip('.')})" if complaint else ""
    return f"the Hub sent nothing for {timeout:g} seconds{reason}; try again later."


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the process: politely, so that it removes its half-written file, then for certain."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class Growing:
    """Whether half-written files in a repo's cache grow, whoever writes them."""

    def __init__(self, repo_cache: Path) -> None:
        self.blobs = repo_cache / "blobs"
        self.before = self._size()

    def grew(self) -> bool:
        """Whether there is more than at the last call."""
        before, self.before = self.before, self._size()
        return self.before > before

    def _size(self) -> int:
        total = 0
        for path in self.blobs.glob("*.incomplete"):
            try:
                total += path.stat().st_size
            except OSError:  # finished, or removed, in between
                continue
        return total
