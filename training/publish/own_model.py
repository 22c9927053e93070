"""Publish one model of somebody's own: a folder that ``python -m training.segmentation`` wrote.

The repo holds this model and no other, in the layout of the project's own repo
(`training.publish.repo_files`). The names of the images that were learned from stay at home.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zoo
from training.documents.markdown_text import code
from training.engine.failures import TrainingError
from training.publish.card import front_matter, how_trained, metrics_table
from training.publish.checks import check_finite
from training.publish.publishing import send
from training.publish.repo_files import MANIFEST, manifest, plain_network
from training.publish.training_curves import draw_curves
from zoo import snippets
from zoo.backends.onnx_file import checked
from zoo.weights import own_models
from zoo.weights.model_info import CONFIG, RECORD, WEIGHTS, ModelInfo

NAMES = ("images", "held_out")  # of a record: files of the owner's, of which their number is told


def publish_own(repo: str, folder: Path) -> str | None:
    """Publish a model's folder, checked before; return the commit hash.

    Raises:
        TrainingError: a check fails, or the Hub refuses; nothing is changed in that case.
    """
    try:
        info, model = own_models.info_of(folder), zoo.load(str(folder), device="cpu")
    except zoo.ZooError as error:
        raise TrainingError(f"{folder} is not published: {error}") from None
    check_learned(model)
    return send(repo, own_files(repo, folder, info, model), alone=True)


def check_learned(model: zoo.Model) -> None:
    """Raise a `TrainingError` if a network holds no numbers, or is no better than a constant."""
    check_finite(model.name, model.network)
    found = model.record.get("metrics", {}).get("validation", {})
    iou, constant = found.get("iou"), found.get("constant_iou", 0.0)
    if iou is None:
        raise TrainingError(f"{model.name} is not published: its record has no validation IoU.")
    if iou <= constant:
        raise TrainingError(
            f"{model.name} is not published: its validation IoU is {iou:.3f}, and the best "
            f"constant mask has {constant:.3f}; it has not learned anything yet."
        )


def own_files(
    repo: str, folder: Path, info: ModelInfo, model: zoo.Classifier | zoo.Segmenter
) -> dict[str, bytes]:
    """Return the content of every file of the repo, by path."""
    record = {
        key: len(value) if key in NAMES and isinstance(value, list) else value
        for key, value in model.record.items()
    }
    config = (folder / CONFIG).read_bytes()
    files = {
        f"{info.name}/{CONFIG}": config,
        f"{info.name}/{WEIGHTS}": (folder / WEIGHTS).read_bytes(),
        f"{info.name}/{RECORD}": json.dumps(record, indent=1).encode(),
        f"{info.name}/network.py": plain_network(json.loads(config)),
    }
    optional: dict[str, Callable[[], bytes]] = {
        "model.onnx": lambda: checked(model).contents,
        "curves.png": lambda: draw_curves(record),
    }
    for file, make in optional.items():
        try:
            files[f"{info.name}/{file}"] = make()
        except (zoo.ZooError, TrainingError) as error:  # a package is missing
            print(f"note: without {file}: {error}")
    files["README.md"] = own_card(repo, info, record, files).encode()
    files[MANIFEST] = manifest(files)
    return files


def own_card(
    repo: str, info: ModelInfo, record: Mapping[str, Any], files: Mapping[str, bytes]
) -> str:
    """Return README.md of the repo; its numbers are the record's."""
    imports = "import zoo\nfrom huggingface_hub import snapshot_download"
    folder = f'folder = snapshot_download("{repo}") + "/{info.name}"'
    use = 'model = zoo.load(folder)\nprint(model.predict("photo.jpg"))'
    curves = f"![Training curves]({info.name}/curves.png)"
    sections = [
        front_matter({info.name: info}) + f"# {info.title}",
        f"A network that finds {info.labels[0]} in an image, pixel by pixel: architecture "
        f"`{info.architecture}`, {info.parameters:,} parameters, safetensors. `{MANIFEST}` lists "
        "the size and sha256 of every file.",
        metrics_table(record),
        curves * (f"{info.name}/curves.png" in files),
        f"**How it was trained.** {how_trained(record)} {record['selection'].capitalize()}.",
        f"**Limitations.** {info.limitations}",
        "## Use",
        "With the library that trained it, CNN-Lytical:",
        code("python", f"{imports}\n\n{folder}\n{use}"),
        "With PyTorch and safetensors alone (`network.py` is code: read it, and pin its revision):",
        code("python", snippets.plain(info.name, repo)),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"
