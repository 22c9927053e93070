"""A copy of the project with the tiny zoo in it: entry points run there unmodified."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.hub import tiny
from tests.hub_server import HubServer
from tests.hub_server.fixtures import ROOT

PARTS = ("zoo", "training", "pages", "api", "static", ".streamlit", "app.py", "hubconf.py")
FILES = ("Dockerfile", ".dockerignore", "LICENSE", "pyproject.toml", "requirements.txt")


@dataclass
class Workspace:
    """The copy, and how to run something in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def catalog(self) -> dict:
        """The catalog as it is now."""
        return json.loads((self.folder / "zoo" / "catalog.json").read_text())

    def run(self, *arguments: str, timeout: float = 300, **environment: str):
        """Run ``python …`` in the copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def write_models(self, models: dict[str, dict[str, bytes]], **pinned: str | None) -> None:
        """Put models into the bundle and the catalog."""
        tiny.write_zoo(self.folder / "zoo", models, **pinned)


def make(folder: Path, hub: HubServer, home: Path, whole: bool = False) -> Workspace:
    """Copy the project's code; the models and experiments stay behind unless ``whole``."""
    left = () if whole else ("bundle", "catalog.json")
    for part in (*PARTS, *FILES):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(
                source,
                folder / part,
                ignore=shutil.ignore_patterns("__pycache__", *left),
            )
        elif source.exists():
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / part)
    for path in () if whole else (folder / "zoo" / "experiments").glob("*.json"):
        path.unlink()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "ZOO_", "HUGGING", "PYTHON"))
    }
    environment = kept | hub.environment(home) | {"PYTHONPATH": str(folder), "ZOO_TIMEOUT": "3"}
    return Workspace(folder, environment)


def noise(seed: int = 0) -> np.ndarray:
    """An image of noise."""
    return np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)
