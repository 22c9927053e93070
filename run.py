"""The project's two commands: ``python3 run.py`` opens the app, ``python3 run.py test`` tests it.

Both set up what they need first: a virtual environment in ``.venv`` with the packages of
requirements.txt, and for the tests a Chromium. Only the standard library is used here, and only
syntax that a Python too old for the project can read, so that it can say so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

NEEDED = (3, 11)
if sys.version_info < NEEDED:  # whoever runs this may have an older one
    sys.exit(
        "error: Python {}.{} or newer is needed; this is {}. Start run.py with a newer one, such "
        "as python{}.{} run.py.".format(*NEEDED, sys.version.split()[0], *NEEDED)
    )

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# Many tests wait (for a Hub that is slow on purpose, for a browser): three at a time. Four, with as
# many browsers at once on two cores, took longer (743 s instead of 652 s) and missed time limits.
# Each process begins with neighbours, which share fixtures, and takes from the others at the end.
PARALLEL = ["--numprocesses=3", "--dist=worksteal"]
USAGE = """usage: python3 run.py [--cpu] [OPTION ...]        open the app
       python3 run.py [--cpu] test [OPTION ...]   run the linter, the type checker and all tests

--cpu installs the small build of torch, without GPU support. Every other option goes to Streamlit
(python3 run.py --server.port 8600) or to pytest (python3 run.py test -k digits)."""


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def install(requirements: str, cpu: bool) -> None:
    """Make the virtual environment and install a requirements file, unless that is done already.

    A stamp in the environment holds the hash of what was installed and the Python it was installed
    for, so that the second start takes no time and a change of either is noticed.
    """
    files = sorted({"requirements.txt", requirements})
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in files)).hexdigest()
    stamp = ENVIRONMENT / f".{requirements}.installed"
    wanted += f" {make_environment()}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {requirements} (a few minutes and up to 6 GB the first time) …", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if cpu:
        install_cpu_torch(pip)
    call([*pip, "-r", str(ROOT / requirements)], "the packages were not installed")
    stamp.write_text(wanted)


def make_environment() -> str:
    """Make ``.venv``, or what is missing in a half-made one; return its Python's version.

    Raises:
        SetupError: if that is impossible here.
    """
    version = version_inside("import pip")
    if version:
        return version
    without_pip = version_inside("")
    if without_pip:  # where the first try ended in the middle
        print("The virtual environment .venv has no pip; adding it …", flush=True)
        command = [str(PYTHON), "-m", "ensurepip", "--default-pip"]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    elif ENVIRONMENT.is_symlink():
        raise SetupError(f"{ENVIRONMENT} is a link to no usable environment; delete the link.")
    else:
        print("Making the virtual environment .venv …", flush=True)
        try:
            venv.create(ENVIRONMENT, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            pass  # ensurepip: said below
        except OSError as error:
            raise SetupError(f"The virtual environment .venv cannot be made: {error}.") from None
    version = version_inside("import pip")
    if not version:
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(
            "This Python cannot put pip into a virtual environment (its module ensurepip is "
            f"missing or fails); on Debian and Ubuntu `sudo apt install {name}` brings it. Then "
            "run the same command again."
        )
    return version


def version_inside(code: str) -> str:
    """Return the version of .venv's Python, "" if it is missing, too old or fails at ``code``."""
    program = f"{code}\nimport sys\nprint('%d.%d' % sys.version_info[:2])"
    try:
        found = subprocess.run(
            [str(PYTHON), "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return ""
    words = found.stdout.decode("ascii", "replace").split()
    if found.returncode or not words or tuple(map(int, words[-1].split("."))) < NEEDED:
        return ""
    return words[-1]


def install_cpu_torch(pip: "list[str]") -> None:
    """Install torch's small build; where its index cannot be reached, leave it to the usual one."""
    print(f"Installing torch without GPU support from {CPU_INDEX} …", flush=True)
    patience = ["--retries", "1", "--timeout", "15"]
    command = [*pip, *patience, "torch", "torchvision", "--index-url", CPU_INDEX]
    if subprocess.run(command, cwd=ROOT).returncode:
        print(
            f"note: torch's own index {CPU_INDEX} cannot be reached or has no build for this "
            "machine; taking the usual index, whose torch is larger and works as well.",
            flush=True,
        )


def call(command: "list[str]", failure: str) -> None:
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


def open_app(arguments: "list[str]") -> int:
    """Start the app; it opens in the browser, or its address is printed."""
    command = [str(PYTHON), "-m", "streamlit", "run", "app.py", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 0


def run_tests(arguments: "list[str]") -> int:
    """Run the linter, the type checker and all tests; return 0 if all of them pass.

    With arguments only pytest runs, with those.
    """
    failed = []

    def check(name: str, *command: str) -> None:
        print(f"— {name}", flush=True)
        if subprocess.run([str(PYTHON), "-m", *command], cwd=ROOT, env=environment()).returncode:
            failed.append(name)

    if arguments:
        check("pytest", "pytest", *arguments)
    else:
        check("ruff check", "ruff", "check", ".")
        check("ruff format", "ruff", "format", "--check", ".")
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            # Half a minute of one core's time, which the tests can spare.
            types = subprocess.Popen(
                [str(PYTHON), "-m", "mypy"], cwd=ROOT, stdout=said, stderr=said
            )
            check("pytest", "pytest", *PARALLEL)
            if types.wait():
                failed.append("mypy")
            said.seek(0)
            print(f"— mypy\n{said.read()}", end="", flush=True)
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks and tests passed.", flush=True)
    return 1 if failed else 0


def environment() -> "dict[str, str]":
    """Return the environment of the tests, in which Python keeps what it has compiled.

    Hundreds of processes start there, and each would compile the project anew.
    """
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def read(arguments: "list[str]") -> "tuple[str, bool, list[str]]":
    """Return the command, whether --cpu is there, and what goes on to Streamlit or pytest.

    Raises:
        SetupError: if the first word is no command.
    """
    rest = [word for word in arguments if word != "--cpu"]
    command = rest.pop(0) if rest and not rest[0].startswith("-") else "app"
    if command not in ("app", "test"):
        raise SetupError(f"There is no command {command!r}; there are: app, test. See --help.")
    return command, "--cpu" in arguments, rest


def main() -> int:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack a sign such as …
        stream.reconfigure(errors="replace")
    if sys.argv[1:] and sys.argv[1] in ("-h", "--help"):
        print(USAGE)
        return 0
    try:
        command, cpu, rest = read(sys.argv[1:])
        if command == "app":
            install("requirements.txt", cpu)
            return open_app(rest)
        install("requirements-dev.txt", cpu)
        find_chromium()
        return run_tests(rest)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
