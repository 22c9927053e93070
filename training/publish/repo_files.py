"""The files of the Hub repo: what goes where, and the manifest that lets anyone check them.

README.md              the model card
manifest.json          size and sha256 of every other file
<model>/               model.safetensors, config.json, record.json: byte for byte the bundle
<model>/network.py     the architecture in plain PyTorch, for use without this project
<model>/model.onnx     the same network for ONNX Runtime, OpenVINO and others; made here, from the
                       bundle: it would double the size of the code
<model>/curves.png     loss and metric, epoch by epoch
<model>/example.*      an image to try it on; the card names its author
experiments/*.json     recorded measurements
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import zoo
from training.engine.failures import TrainingError
from training.publish.card import model_card
from training.publish.example import example
from training.publish.training_curves import draw_curves
from zoo import experiments, snippets
from zoo.backends.onnx_file import checked
from zoo.weights import sources
from zoo.weights.catalog import read_catalog
from zoo.weights.hub import MANIFEST


def hub_files(repo: str) -> dict[str, bytes]:
    """Return the content of every file of the Hub repo, by path.

    The same zoo gives the same bytes, so that publishing again without a change makes no commit.

    Args:
        repo: ``owner/name``, for the card.

    Raises:
        TrainingError: there is no model, or a bundled file is not what the catalog pins.
    """
    files: dict[str, bytes] = {}
    records: dict[str, Any] = {}
    for name in zoo.list_models(own=False):
        info = zoo.info(name)
        try:
            contents = sources.from_bundle(info).contents
        except zoo.ZooError as error:
            raise TrainingError(f"{name} cannot be published: {error}") from None
        files |= {f"{name}/{file}": content for file, content in contents.items()}
        records[name] = json.loads(contents["record.json"])
        files[f"{name}/network.py"] = plain_network(json.loads(contents["config.json"]))
        files[f"{name}/model.onnx"] = onnx_network(name)
        files[f"{name}/curves.png"] = draw_curves(records[name])
        if image := example(name):
            files[f"{name}/example{image.path.suffix}"] = image.read()
    if not records:
        raise TrainingError("There is nothing to publish: train a model with --export first.")
    for name in zoo.list_experiments():
        path = experiments.FOLDER / f"{name}.json"
        files[f"experiments/{name}.json"] = path.read_bytes()
    files["README.md"] = model_card(repo, records, files).encode()
    files[MANIFEST] = manifest(files)
    return files


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Return ``manifest.json``: size and sha256 of every file but itself."""
    listed = {
        path: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(files.items())
        if path != MANIFEST
    }
    return (json.dumps({"format": 1, "files": listed}, indent=1) + "\n").encode()


def plain_network(config: Mapping[str, Any]) -> bytes:
    """Return a module that needs PyTorch alone and whose ``build(**arguments)`` is the network.

    Args:
        config: the model's ``config.json``.

    Raises:
        TrainingError: the registry names no such module.
    """
    name = config["architecture"]
    source = snippets.network_source(name)
    if re.search(r"^\s*(from|import) (zoo|training)\b", source, flags=re.MULTILINE):
        raise TrainingError(
            f"The module of {name} imports from this project; write a module with "
            "build(**arguments) in plain PyTorch below zoo/networks/stand_alone, and name it as "
            "stand_alone in zoo/networks/registry.py."
        )
    return source.encode()


def onnx_network(name: str) -> bytes:
    """Return a model of the bundle as an ONNX file, compared with its network.

    Raises:
        TrainingError: it has a layer without an ONNX form, or onnx is not installed.
    """
    try:
        return checked(zoo.load(name, device="cpu", source="bundle")).contents
    except zoo.ZooError as error:
        raise TrainingError(f"{name} cannot be published: {error}") from None


def pinned_files() -> dict[str, dict[str, Any]]:
    """Return the catalog's pins by path in the Hub repo."""
    return {
        f"{name}/{pin.name}": {"size": pin.size, "sha256": pin.sha256}
        for name, info in read_catalog().models.items()
        for pin in info.files.values()
    }
