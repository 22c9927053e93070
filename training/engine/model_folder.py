"""A model's folder: written, stored in half of the bytes, put into the bundle and the catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from training.engine.failures import TrainingError, reason
from training.engine.json_files import read_json, write_json
from training.engine.provenance import ROOT
from zoo.networks import ARCHITECTURES, name_of
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights.atomic_files import write_bytes
from zoo.weights.schema import FORMAT

FILES = ("model.safetensors", "config.json", "record.json")
BUNDLE = ROOT / "zoo" / "bundle"
CATALOG = ROOT / "zoo" / "catalog.json"


def config_of(
    network: Any,
    *,
    model: str,
    task: str,
    preprocessing: Preprocessing,
    labels: Sequence[str],
    data: Mapping[str, Any],
    **more: Any,
) -> dict[str, Any]:
    """Return what ``config.json`` shall hold of a network, whichever it is.

    Args:
        network: its registered name and its constructor's arguments are noted. One that is not
            registered, a benchmark's, gets its class's name, which no loader will take for another.
        model: the model's name.
        task: ``"classification"`` or ``"segmentation"``.
        preprocessing: what turns an image into the network's input.
        labels: in the order of the network's outputs.
        data: what the network was trained on: ``name``, ``reader`` (its module in
            `training.data`), ``source``, ``license``, ``citation``.
        more: further keys, such as ``title``, ``samples``, ``threshold``, ``limitations``.
    """
    name, arguments = name_of(network), getattr(network, "arguments", {})
    framework = ARCHITECTURES[name].framework if name in ARCHITECTURES else "torch"
    return {
        "format": FORMAT,
        "model": model,
        "task": task,
        "framework": framework,
        "architecture": name,
        "arguments": arguments,
        "preprocessing": preprocessing.to_config(),
        "labels": list(labels),
        "data": dict(data),
        "license": "Apache-2.0",
    } | more


def write_model(
    folder: Path,
    state: Mapping[str, NDArray],
    config: Mapping[str, Any],
    record: Mapping[str, Any],
) -> None:
    """Write the three files of a model into ``folder``, as zoo and the Hub hold them.

    Args:
        state: parameters and buffers by name.
        config: what ``config.json`` shall hold; its architecture goes into the weights' metadata.
        record: what ``record.json`` shall hold.

    Raises:
        TrainingError: if they cannot be written; the run's last checkpoint is still there.
    """
    # One entry of metadata only: safetensors writes several in a random order, and the same weights
    # must give the same file, byte for byte.
    described = {"architecture": config["architecture"]}
    try:
        write_bytes(folder / "model.safetensors", save(dict(state), described))
        write_json(folder / "config.json", config)
        write_json(folder / "record.json", record)
    except OSError as error:
        raise TrainingError(
            f"The model could not be written to {folder} ({reason(error)}); once there is room, "
            "the same command with --resume writes it."
        ) from None


def store_in_half(folder: Path, target: Path) -> None:
    """Write a copy of a model folder whose kernels are float16; biases and BatchNorms stay float32.

    Those have few numbers, and a variance may be smaller or larger than float16 reaches
    (6e-8 to 65,504). What was measured on the test images is not in the copy's record: it was of
    other numbers.

    Args:
        folder: of the trained model.
        target: where the copy goes; what was there is replaced.

    Raises:
        TrainingError: if a weight is too large for float16.
    """
    weights = load((folder / "model.safetensors").read_bytes())
    with np.errstate(over="ignore"):  # told of below, by name
        halved = {
            name: value.astype(np.float16)
            if value.dtype == np.float32 and value.ndim > 1
            else value
            for name, value in weights.items()
        }
    if lost := [name for name, value in halved.items() if not np.isfinite(value).all()]:
        raise TrainingError(f"{folder} cannot be stored in half precision: {lost[0]} is too large.")
    config, record = read_json(folder / "config.json"), read_json(folder / "record.json")
    metrics = {
        kind: values for kind, values in record["metrics"].items() if not kind.startswith("test")
    }
    record |= {"metrics": metrics, "stored": "kernels in float16"}
    write_model(target, halved, config, record)


def export(folder: Path, bundle: Path = BUNDLE, catalog: Path = CATALOG) -> Path:
    """Copy a finished model folder into the bundle and pin its files in the catalog.

    The catalog is written last: if the copy is interrupted, the sizes and hashes do not match and
    the zoo refuses the half-copied model instead of running it.

    Returns:
        The folder in the bundle.

    Raises:
        TrainingError: if a file is missing or the model has no measured test metric.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise TrainingError(f"{folder} has no {', '.join(missing)}: train it to its end first.")
    config, record = read_json(folder / "config.json"), read_json(folder / "record.json")
    if "test" not in record.get("metrics", {}):
        raise TrainingError(f"{folder} has no test metric: run training.evaluate --record first.")
    target = bundle / config["model"]
    contents = {name: (folder / name).read_bytes() for name in FILES}
    for name, content in contents.items():
        write_bytes(target / name, content)
    entries: dict[str, Any] = {"format": FORMAT, "repo": None}
    if catalog.exists():
        entries = read_json(catalog)
    entry, models = _entry(config, record, contents), entries.setdefault("models", {})
    if models.get(config["model"], {}).get("files") != entry["files"]:
        entries["revision"] = None  # that commit has other files; training.publish pins a new one
    models[config["model"]] = entry
    write_json(catalog, entries)
    return target


def _entry(
    config: Mapping[str, Any], record: Mapping[str, Any], contents: Mapping[str, bytes]
) -> dict[str, Any]:
    test = record["metrics"]["test"]
    needed = ("task", "framework", "architecture", "labels", "license", "data")
    optional = {
        key: config[key]
        for key in ("samples", "image_set", "limitations", "alternative_to")
        if key in config
    }
    title = {"title": config.get("title", config["model"])}
    return (
        title
        | {key: config[key] for key in needed}
        | optional
        | {
            "parameters": record["parameters"],
            "metrics_n": test["n"],
            # how good the answers are: not the single images' values, nor how many got none
            "metrics": {
                name: value
                for name, value in test.items()
                if isinstance(value, float) and name != "refused"
            },
            "files": {
                name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in contents.items()
            },
        }
    )
