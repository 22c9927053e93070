"""The container and the Space, as far as they can be checked without a container engine.

The Dockerfile is linted; its command and its health check are taken from it and run on the files
that a Space gets, in a clean folder with an empty home.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from huggingface_hub import HfApi, constants

from tests.hub_server import HubServer
from tests.hub_server.fixtures import ROOT
from training.engine.failures import TrainingError
from training.publish import space

SPACE = "tester/app"
PORT = 8501


def _instruction(name: str, dockerfile: str) -> list[str]:
    """The JSON form of a CMD in the Dockerfile."""
    found = re.search(rf"^{name} (\[.*\])$", dockerfile, flags=re.MULTILINE)
    assert found, f"no {name} in JSON form"
    return json.loads(found[1])


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert hadolint, "pip install -r requirements-dev.txt"
    done = subprocess.run(
        [hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_and_the_proxy_agree() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    proxy = (ROOT / "deploy" / "nginx.conf").read_text()
    assert "server app:8501" in proxy
    assert "app" in compose["services"]
    ports = compose["services"]["proxy"]["ports"]
    assert f"listen {ports[0].split(':')[1]};" in proxy
    dockerfile = (ROOT / "Dockerfile").read_text()
    for argument in compose["services"]["app"]["build"]["args"]:
        assert f"ARG {argument}=" in dockerfile


def test_what_the_space_gets() -> None:
    files = space.space_files(SPACE)
    front = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    assert (front["sdk"], front["app_port"]) == ("docker", PORT)
    assert len(front["short_description"]) <= 60, "the Hub's limit"
    assert "ARG XSRF_PROTECTION=false" in files["Dockerfile"].decode()
    assert "ARG XSRF_PROTECTION=true" in (ROOT / "Dockerfile").read_text()
    assert {"app.py", "requirements.txt", "zoo/catalog.json", ".streamlit/config.toml"} <= set(
        files
    )
    unwanted = re.compile(r"secrets|__pycache__|\.pyc$|^tests/|^training/|^\.git")
    assert not [path for path in files if unwanted.search(path)]


def test_the_space_preloads_what_is_pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.hub import tiny
    from zoo.weights import catalog

    commit = "a" * 40
    path = tiny.write_zoo(tmp_path, {"mnist": tiny.model_files()}, tiny.REPO, commit)
    monkeypatch.setattr(catalog, "CATALOG_PATH", path)
    readme = space.space_readme(SPACE)
    [line] = yaml.safe_load(readme.split("---\n")[1])["preload_from_hub"]
    repo, files, revision = line.split(" ")
    assert (repo, revision) == (tiny.REPO, commit)
    assert files.split(",") == [f"mnist/{name}" for name in tiny.NAMES]
    assert "\n- " not in files, "one line, however long"


def test_publish_the_space(
    hub: HubServer, hub_api: HfApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert space.publish_space(SPACE, dry_run=True) is None
    assert not hub.storage.repos
    first = space.publish_space(SPACE)
    assert space.publish_space(SPACE) == first, "nothing changed, no commit"
    repo = hub.storage.repo("space", SPACE)
    assert repo.sdk == "docker"
    held = set(repo.resolve("main").files) - {".gitattributes"}
    assert held == set(space.space_files(SPACE))
    assert hub.token not in capsys.readouterr().out
    with hub.fault("412", path="/commit/"):
        monkeypatch.setattr(space, "space_readme", lambda repo: "---\nsdk: docker\n---\n")
        with pytest.raises(TrainingError, match="Somebody changed the Space"):
            space.publish_space(SPACE)


@pytest.fixture
def container(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen]]:
    """The Space's files in a clean folder, read-only, started by the Dockerfile's command."""
    files = space.space_files(SPACE)
    folder, home = tmp_path / "app", tmp_path / "home"
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = _instruction("CMD", files["Dockerfile"].decode())
    command = [
        part.replace(str(PORT), str(port)).replace("0.0.0.0", "127.0.0.1") for part in command
    ]
    assert command[0] == "streamlit"
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield port, process
    process.terminate()
    process.communicate(timeout=60)


def test_the_containers_command_and_health_check(container: tuple[int, subprocess.Popen]) -> None:
    port, process = container
    dockerfile = (ROOT / "Dockerfile").read_text()
    check = json.loads(re.findall(r"^\s+CMD (\[.*\])$", dockerfile, flags=re.MULTILINE)[0])
    check = [sys.executable, *(part.replace(str(PORT), str(port)) for part in check[1:])]
    end = time.monotonic() + 180
    while subprocess.run(check, capture_output=True, check=False).returncode != 0:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "the container never became healthy"
        time.sleep(0.5)
