"""The project's two commands: ``python3 run.py`` opens the app, ``python3 run.py test`` tests it.

Both set up what they need first: a virtual environment in ``.venv`` with the packages of
requirements.txt, and for the tests a Chromium. Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# Many tests wait (for a Hub that is slow on purpose, for a browser): three at a time. Four, with as
# many browsers at once on two cores, took longer (743 s instead of 652 s) and missed time limits.
PARALLEL = ["--numprocesses=3", "--dist=loadfile"]


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def install(requirements: str, cpu: bool) -> None:
    """Make the virtual environment and install a requirements file, unless that is done already.

    A stamp in the environment holds the hash of what was installed, so that the second start
    takes no time and a changed requirements file is noticed.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        raise SetupError(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    files = sorted({"requirements.txt", requirements})
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in files)).hexdigest()
    stamp = ROOT / ".venv" / f".{requirements}.installed"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print("Making the virtual environment .venv …", flush=True)
        venv.create(ROOT / ".venv", with_pip=True)
    print(f"Installing {requirements} (a few minutes and up to 6 GB the first time) …", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if cpu:
        call([*pip, "torch", "torchvision", "--index-url", CPU_INDEX], "torch was not installed")
    call([*pip, "-r", str(ROOT / requirements)], "the packages were not installed")
    stamp.write_text(wanted)


def call(command: list[str], failure: str) -> None:
    """Run a command of the set-up.

    Raises:
        SetupError: if it fails; what it printed stands above the message.
    """
    if subprocess.run(command, cwd=ROOT).returncode:
        raise SetupError(f"{failure}; see the lines above. Then run the same command again.")


def find_chromium() -> None:
    """Make sure that the browser tests have a Chromium: find one, or install one.

    Raises:
        SetupError: if there is none and none can be installed.
    """
    find = (
        "from playwright.sync_api import sync_playwright as s\n"
        "from training.benchmarks.pages.chromium import find\n"
        "with s() as p: print('Chromium:', find(p))"
    )

    def found() -> bool:
        return not subprocess.run([str(PYTHON), "-c", find], cwd=ROOT, stderr=-3).returncode

    if found():
        return
    print("No Chromium was found; installing one …", flush=True)
    ways = [[str(PYTHON), "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        packages = ["chromium", "fonts-liberation"]
        ways = [["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], *ways]
        subprocess.run(["apt-get", "update", "-qq"], stdout=-3)
    for way in ways:
        subprocess.run(way, cwd=ROOT, stdout=-3)
        if found():
            return
    raise SetupError(
        "The browser tests need a Chromium and none could be installed; install one and put its "
        "path into the environment variable CHROMIUM."
    )


def open_app(arguments: list[str]) -> int:
    """Start the app; it opens in the browser, or its address is printed."""
    command = [str(PYTHON), "-m", "streamlit", "run", "app.py", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 0


def run_tests(arguments: list[str]) -> int:
    """Run the linter, the type checker and all tests; return 0 if all of them pass.

    With arguments only pytest runs, with those.
    """
    checks = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "pytest": ["pytest", *(arguments or PARALLEL)],
    }
    if arguments:
        checks = {"pytest": checks["pytest"]}
    failed = []
    for name, command in checks.items():
        print(f"— {name}", flush=True)
        if subprocess.run([str(PYTHON), "-m", *command], cwd=ROOT).returncode:
            failed.append(name)
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks and tests passed.", flush=True)
    return 1 if failed else 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 run.py", description="Set up CNN-Lytical and open the app, or test it."
    )
    parser.add_argument("command", nargs="?", choices=["app", "test"], default="app")
    parser.add_argument(
        "--cpu", action="store_true", help="install the small build of torch, without GPU support"
    )
    options, rest = parser.parse_known_args()
    try:
        if options.command == "app":
            install("requirements.txt", options.cpu)
            return open_app(rest)
        install("requirements-dev.txt", options.cpu)
        find_chromium()
        return run_tests(rest)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
