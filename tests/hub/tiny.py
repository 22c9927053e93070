"""A tiny, untrained zoo: a bundle and its catalog, written in milliseconds."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from safetensors.numpy import save

from zoo.networks.numpy_cnn import NumpyCNN
from zoo.weights import catalog

REPO = "tester/weights"
NAMES = ("model.safetensors", "config.json", "record.json")
CHANNELS = (8, 32)  # 55 KB: enough for a download that takes several steps


def model_files(seed: int = 0, name: str = "mnist", accuracy: float = 0.1) -> dict[str, bytes]:
    """The three files of a model."""
    network = NumpyCNN(channels=CHANNELS, seed=seed)
    config = {
        "format": 2,
        "model": name,
        "title": "Digits",
        "task": "classification",
        "framework": "numpy",
        "architecture": "numpy_cnn",
        "arguments": {"channels": list(CHANNELS)},
        "preprocessing": {
            "kind": "mnist_digit",
            "channels": 1,
            "height": 28,
            "width": 28,
            "mean": [0.1307],
            "std": [0.3081],
        },
        "labels": [str(digit) for digit in range(10)],
        "samples": "digits",
        "image_set": "mnist",
        "data": {
            "name": "MNIST",
            "reader": "mnist_digits",
            "license": "CC BY-SA 3.0",
            "source": "tests",
            "citation": "none",
        },
        "license": "Apache-2.0",
    }
    record = {
        "format": 2,
        "model": name,
        "command": f"python -m training.{name}",
        "git_commit": "0" * 40,
        "seed": seed,
        "hardware": {"cpu": "test", "cores": 2, "threads": 2, "memory_gib": 1, "gpu": None},
        "versions": {"numpy": "2"},
        "started": "2026-01-01T00:00:00+00:00",
        "train_seconds": 1.5,
        "recipe": {"epochs": 2},
        "parameters": network.num_parameters,
        "history": [
            {
                "epoch": epoch,
                "learning_rate": 0.1,
                "seconds": 0.5,
                "train": {"loss": 2.3 / epoch, "accuracy": 0.1 * epoch},
                "validation": {"loss": 2.3 / epoch, "accuracy": 0.1 * epoch},
            }
            for epoch in (1, 2)
        ],
        "metrics": {
            "validation": {"accuracy": accuracy, "n": 5000},
            "test": {"accuracy": accuracy, "n": 10000},
        },
        "selection": "the last epoch",
        "seeds": [{"seed": seed, "validation_accuracy": accuracy, "test_accuracy": accuracy}],
    }
    return {
        "model.safetensors": save(
            network.state_dict(),
            metadata={"architecture": "numpy_cnn"},  # of two keys the order would be random
        ),
        "config.json": json.dumps(config, indent=1).encode(),
        "record.json": json.dumps(record, indent=1).encode(),
    }


def object_files(seed: int = 0) -> dict[str, bytes]:
    """The three files of a tiny object model, a final run: it has no validation of its own."""
    import torch

    from zoo.networks.cifar_net import CifarNet

    torch.manual_seed(seed)
    arguments = {"widths": [8, 16, 16], "depth": 2, "classes": 10}
    network = CifarNet(**arguments)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    files = model_files(seed, "cifar10")
    config, record = json.loads(files["config.json"]), json.loads(files["record.json"])
    config |= {
        "title": "Objects",
        "framework": "torch",
        "architecture": "cifar",
        "arguments": arguments,
        "preprocessing": {
            "kind": "crop",
            "channels": 3,
            "height": 32,
            "width": 32,
            "mean": [0.5] * 3,
            "std": [0.25] * 3,
        },
        "data": config["data"] | {"name": "CIFAR-10", "reader": "cifar_images"},
        "samples": "objects",
        "image_set": "cifar10",
    }
    validation_run = {key: record[key] for key in ("command", "git_commit", "seed", "history")}
    own = [{key: row[key] for key in row if key != "validation"} for row in record["history"]]
    record |= {
        "parameters": sum(p.numel() for p in network.parameters()),
        "history": own,
        "validation_run": validation_run,
    }
    return {
        "model.safetensors": save(state, metadata={"architecture": "cifar"}),
        "config.json": json.dumps(config, indent=1).encode(),
        "record.json": json.dumps(record, indent=1).encode(),
    }


def pins(files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Size and sha256 by name, as the catalog and the manifest hold them."""
    return {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }


def manifest(models: dict[str, dict[str, bytes]]) -> bytes:
    """``manifest.json`` of a Hub repo with these models."""
    flat = {
        f"{model}/{name}": data for model, files in models.items() for name, data in files.items()
    }
    return json.dumps({"format": 1, "files": pins(flat)}).encode()


def upload(api: HfApi, files: dict[str, bytes], **others: bytes) -> str:
    """Put the files of ``mnist``, and ``others`` by path, on the Hub; returns the commit."""
    api.create_repo(REPO)
    contents = {f"mnist/{name}": data for name, data in files.items()} | others
    return api.create_commit(
        REPO,
        [CommitOperationAdd(path, data) for path, data in contents.items()],
        commit_message="weights",
    ).oid


def write_zoo(
    folder: Path,
    models: dict[str, dict[str, bytes]],
    repo: str | None = None,
    revision: str | None = None,
) -> Path:
    """Write bundle and catalog into ``folder`` (a package folder); returns the catalog's path."""
    entries = {}
    for model, files in models.items():
        target = folder / "bundle" / model
        target.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (target / name).write_bytes(data)
        config, record = json.loads(files["config.json"]), json.loads(files["record.json"])
        entries[model] = {
            "title": config["title"],
            "task": config["task"],
            "framework": config["framework"],
            "architecture": config["architecture"],
            "labels": config["labels"],
            "parameters": record["parameters"],
            "metrics": {k: v for k, v in record["metrics"]["test"].items() if type(v) is float},
            "metrics_n": record["metrics"]["test"]["n"],
            "license": config["license"],
            "data": {key: config["data"][key] for key in ("name", "license", "source")},
            "samples": config.get("samples", ""),
            "image_set": config.get("image_set", ""),
            "limitations": config.get("limitations", ""),
            "alternative_to": config.get("alternative_to", ""),
            "files": pins(files),
        }
    whole = {"format": 2, "repo": repo, "revision": revision, "models": entries}
    path = folder / "catalog.json"
    path.write_text(json.dumps(whole, indent=1))
    return path


@contextmanager
def stand_in(folder: Path, models: dict[str, dict[str, bytes]]) -> Iterator[None]:
    """Let pages in this process find these models instead of the real ones."""
    import streamlit as st

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZOO_REPO", raising=False)
        patch.setattr(catalog, "CATALOG_PATH", write_zoo(folder, models))
        for cache in (st.cache_resource, st.cache_data):
            cache.clear()
        yield
        for cache in (st.cache_resource, st.cache_data):
            cache.clear()
