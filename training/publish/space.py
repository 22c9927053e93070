"""Upload the app to the Hub as a Docker Space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from training.engine.failures import TrainingError
from training.engine.provenance import ROOT
from training.publish.commit import commit_on_top
from zoo.weights.catalog import read_catalog

# What the container needs; .dockerignore leaves out the same things.
PARTS = (
    ".dockerignore",
    ".streamlit/config.toml",
    "Dockerfile",
    "LICENSE",
    "api",
    "app.py",
    "pages",
    "pyproject.toml",
    "requirements.txt",
    "static",
    "zoo",
)
_UNWANTED_FOLDERS = {"__pycache__", "node_modules"}
_UNWANTED_NAMES = {"secrets.toml", ".DS_Store"}
PORT = 8501


def publish_space(repo: str, private: bool = False, dry_run: bool = False) -> str | None:
    """Create or update a Docker Space with the app; return the commit hash.

    Args:
        repo: ``owner/space``.
        private: make a new Space private.
        dry_run: list the files and send nothing.

    Raises:
        TrainingError: a file is missing, or the Space was changed in the meantime.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    files = space_files(repo)
    if dry_run:
        for path, content in sorted(files.items()):
            print(f"{path} ({len(content):,} bytes)")
        print("Dry run: nothing was sent.")
        return None
    api = HfApi()
    api.create_repo(
        repo, repo_type="space", space_sdk="docker", private=private or None, exist_ok=True
    )
    head = api.repo_info(repo, repo_type="space").sha
    held = set(api.list_repo_files(repo, repo_type="space")) - {".gitattributes"}
    operations: list[Any] = [
        CommitOperationAdd(path, content) for path, content in sorted(files.items())
    ]
    operations += [CommitOperationDelete(path) for path in sorted(held - set(files))]
    commit = commit_on_top(api, repo, operations, head, "Update the app", repo_type="space")
    print("Nothing has changed." if commit == head else "Published.")
    print(f"{api.endpoint}/spaces/{repo} @ {commit}")
    return commit


def space_files(repo: str, root: Path = ROOT) -> dict[str, bytes]:
    """Return the content of the Space, by path.

    Two things differ from the checkout: README.md carries the Space's settings, and the Dockerfile
    switches off Streamlit's XSRF check, whose cookie a browser does not send inside the Space's
    frame (uploads would fail). Everywhere else the check stays on.

    Raises:
        TrainingError: something that the container needs is missing.
    """
    files: dict[str, bytes] = {}
    for part in PARTS:
        path = root / part
        if not path.exists():
            raise TrainingError(f"{part} is missing; the Space needs it.")
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            relative = file.relative_to(root)
            if file.is_file() and _wanted(relative):
                files[relative.as_posix()] = file.read_bytes()
    files["README.md"] = space_readme(repo).encode()
    files["Dockerfile"] = _without_xsrf(files["Dockerfile"].decode()).encode()
    return files


def space_readme(repo: str) -> str:
    """Return README.md of the Space: the settings that the Hub reads, and two sentences."""
    catalog = read_catalog()
    settings: dict[str, Any] = {
        "title": "CNN-Lytical",
        "emoji": "🔬",
        "colorFrom": "green",
        "colorTo": "gray",
        "sdk": "docker",
        "app_port": PORT,
        "pinned": False,
        "license": "apache-2.0",
        "short_description": "Convolutional networks to draw on, take apart and measure",
    }
    if catalog.repo and catalog.revision:
        names = ",".join(
            f"{name}/{file}" for name, info in catalog.models.items() for file in info.files
        )
        settings["models"] = [catalog.repo]
        settings["preload_from_hub"] = [f"{catalog.repo} {names} {catalog.revision}"]
    front = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=1000)
    return (
        f"---\n{front}---\n\n# CNN-Lytical\n\n"
        "Convolutional networks that you can draw on, take apart and measure. This Space is "
        "written by `python -m training.publish space`; change the project, not the Space.\n"
    )


def _wanted(path: Path) -> bool:
    return (
        not _UNWANTED_FOLDERS & set(path.parts)
        and path.name not in _UNWANTED_NAMES
        and path.suffix != ".pyc"
    )


def _without_xsrf(dockerfile: str) -> str:
    on, off = "ARG XSRF_PROTECTION=true", "ARG XSRF_PROTECTION=false"
    if dockerfile.count(on) != 1:
        raise TrainingError(f"The Dockerfile has no line '{on}', which the Space must switch off.")
    return dockerfile.replace(on, off)
