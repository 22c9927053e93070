"""The model card, generated from the records: no number in it is typed in.

The snippets are those of `zoo.snippets`, which the app's page shows too; a test runs them as shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

import zoo
from training.hub_example import example
from zoo import records, snippets
from zoo.catalog import ModelInfo
from zoo.records import METRIC

TASKS = {"classification": "image-classification", "segmentation": "image-segmentation"}
METRIC_NAMES = {
    "accuracy": "Accuracy",
    "iou": "Mean IoU",
    "dice": "Dice",
    "boundary_iou": "Boundary IoU",
    "worst": "IoU of the worst picture",
    "good": "Good masks",
    "fair": "Fair masks",
    "recall": "Labelled pixels found",
    "attached": "False car that touches the car",
    "other": "False car elsewhere",
}
# The Hub's names of what a record holds beside training and test.
SPLIT_NAMES = {
    "validation_streets": "validation, street photos",
    "validation_phone": "validation, phone photos",
    "full_size_test": "test, photos in full size",
    "streets_test": "test, street photos",
    "phone_test": "test, phone photos",
}
HUB_METRICS = {"classification": "accuracy", "segmentation": "mean_iou"}
LIMITATIONS = {
    "mnist": (
        "It knows the ten digits and nothing else: a letter or a scribble gets a digit's name too. "
        "It was trained on single digits, written mostly by American adults and students, light "
        "on dark and centred; `zoo` brings drawings and photos into that form first, the bare "
        "network does not."
    ),
    "cifar10": (
        "It sees 32×32 pixels and ten classes; everything else gets one of their names. Photos "
        "that differ from CIFAR-10's (small objects, unusual views, drawings) are recognized less "
        "reliably than the test accuracy says."
    ),
    "carvana": (
        "It was measured on cars in one photo studio. On street scenes, several cars, trucks or "
        "unusual views it is less accurate than the test metric says; look at the mask before "
        "you rely on it."
    ),
}


def model_card(
    repo: str, records: Mapping[str, Mapping[str, Any]], files: Mapping[str, Any]
) -> str:
    """Return README.md of the Hub repo.

    Args:
        repo: ``owner/name``.
        records: ``record.json`` by model.
        files: what the repo will hold, by path.
    """
    sections = [
        front_matter(repo, records),
        _introduction(),
        _overview(records),
        _use(repo, next(iter(records)), files),
        *(_model(name, record, files) for name, record in records.items()),
        _experiments(),
        _trust(),
    ]
    return "\n".join(section.strip("\n") + "\n" for section in sections if section)


def front_matter(repo: str, records: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the YAML block; its ``model-index`` makes the Hub show the metrics."""
    infos = {name: zoo.info(name) for name in records}
    block = {
        "license": "apache-2.0",
        "library_name": "pytorch",
        "pipeline_tag": TASKS[next(iter(infos.values())).task],
        "tags": sorted({TASKS[info.task] for info in infos.values()} | {"cnn", "safetensors"}),
        "datasets": sorted({_dataset_id(info) for info in infos.values()}),
        "metrics": sorted({HUB_METRICS[info.task] for info in infos.values()}),
        "model-index": [_index_entry(infos[name], records[name]) for name in records],
    }
    return f"---\n{yaml.safe_dump(block, sort_keys=False, allow_unicode=True)}---\n"


def _index_entry(info: ModelInfo, record: Mapping[str, Any]) -> dict[str, Any]:
    test = record["metrics"]["test"]
    metrics = [
        {"type": name, "value": round(float(test[name]), 6), "name": text}
        for name, text in METRIC_NAMES.items()
        if name in test
    ]
    result = {
        "task": {"type": TASKS[info.task]},
        "dataset": {"type": _dataset_id(info), "name": info.data["name"], "split": "test"},
        "metrics": metrics,
    }
    return {"name": info.name, "results": [result]}


def _dataset_id(info: ModelInfo) -> str:
    return str(info.data["name"]).lower().replace(" ", "-")


def _introduction() -> str:
    return (
        "# CNN-Lytical: weights that are what they claim\n\n"
        "Convolutional networks, with the record of the training run behind each number. All "
        "weights are safetensors; nothing is pickled. `manifest.json` lists the size and sha256 "
        "of every file."
    )


def _overview(records: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        "| model | task | test metric | n | parameters | size | trained on |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, record in records.items():
        info, test = zoo.info(name), record["metrics"]["test"]
        metric = METRIC[info.task]
        lines.append(
            f"| [`{name}`](#{name}) | {info.title}: {info.task} "
            f"| {METRIC_NAMES[metric]} {_fraction(test[metric])} | {test['n']:,} "
            f"| {info.parameters:,} | {_megabytes(info.size)} | {info.data['name']} |"
        )
    return "## Models\n\n" + "\n".join(lines)


def _use(repo: str, name: str, files: Mapping[str, Any]) -> str:
    picture = _example_path(name, files)
    blocks = [
        "## Use",
        f"With the project's own library (here `{name}`; every model works the same way):",
        _code("python", snippets.library(name, repo, picture)),
        "With the Hub client, PyTorch and safetensors alone:",
        _code("python", snippets.plain(name, repo)),
        "`network.py` is plain PyTorch. It is code: read it, and pin the revision that you have "
        "read (`revision=` takes a commit hash).",
        "On the command line:",
        _code("bash", snippets.command(name, repo)),
    ]
    return "\n\n".join(blocks)


def _model(name: str, record: Mapping[str, Any], files: Mapping[str, Any]) -> str:
    info = zoo.info(name)
    parts = [
        f"## {name}",
        f"{info.title}: {info.task}, {info.parameters:,} parameters, architecture "
        f"`{info.architecture}`. Classes: {', '.join(info.labels)}."
        if info.labels
        else f"{info.title}: {info.task}, {info.parameters:,} parameters, architecture "
        f"`{info.architecture}`.",
        _metrics_table(record),
        _curves(name, record, files),
        "**How it was trained.** " + _training(record),
        "**How the numbers were measured.** " + _measured(record),
        _example_credit(name, files),
        f"**Data.** {info.data['name']} ({info.data['source']}), licence: {info.data['licence']}. "
        f"Weights: {info.licence}.",
        "**Limitations.** " + LIMITATIONS.get(name.split("-")[0], "None are recorded."),
        "Files: " + ", ".join(f"`{pin.name}` sha256 `{pin.sha256}`" for pin in info.files.values()),
    ]
    return "\n\n".join(part for part in parts if part)


def _example_path(name: str, files: Mapping[str, Any]) -> str | None:
    return next((path for path in sorted(files) if path.startswith(f"{name}/example.")), None)


def _example_credit(name: str, files: Mapping[str, Any]) -> str:
    """Whose the example picture is: most licences ask for it."""
    path, picture = _example_path(name, files), example(name)
    if path is None or picture is None:
        return ""
    return f"**Example picture.** [`{path}`]({path}): {picture.credit}."


def _curves(name: str, record: Mapping[str, Any], files: Mapping[str, Any]) -> str:
    """The picture of the run, and why its two curves need not meet."""
    if f"{name}/curves.png" not in files:
        return ""
    return "\n\n".join(
        [f"![Training curves of {name}]({name}/curves.png)", *records.curve_notes(record)]
    )


def _metrics_table(record: Mapping[str, Any]) -> str:
    rows = [
        f"| {SPLIT_NAMES.get(split, split)} | {text} | {_fraction(values[metric])} "
        f"| {values['n']:,} |"
        for split, values in record["metrics"].items()
        if isinstance(values, dict) and "n" in values
        for metric, text in METRIC_NAMES.items()
        if metric in values
    ]
    return "| split | metric | value | n |\n|---|---|---|---|\n" + "\n".join(rows)


def _training(record: Mapping[str, Any]) -> str:
    machine = record["hardware"]
    where = machine.get("gpu") or f"{machine['cpu']}, {machine['cores']} cores"
    commit = record.get("git_commit") or "unknown"
    return (
        f"`{record['command']}`, commit `{commit}`, seed {record['seed']}, "
        f"{len(record['history'])} epochs in {_duration(record['wall_seconds'])} on {where}."
    )


def _measured(record: Mapping[str, Any]) -> str:
    text = f"Checkpoint: {record['selection'].rstrip('.')}. Nothing was chosen on the test set."
    metric, _, _ = records.headline(record)
    key = f"test_{metric}"
    values = [seed[key] for seed in record.get("seeds", []) if key in seed]
    if len(values) > 1:
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
        text += (
            f" Over {len(values)} seeds the test {METRIC_NAMES[metric]} is {_fraction(mean)} "
            f"± {_fraction(deviation)} (mean ± standard deviation)."
        )
    return text


def _experiments() -> str:
    names = zoo.list_experiments()
    if not names:
        return ""
    lines = ["## Experiments", ""]
    for name in names:
        recorded = zoo.experiment(name)
        lines.append(
            f"- **{recorded.question}** {recorded.finding} "
            f"([data](experiments/{name}.json), `{recorded.command}`)"
        )
    return "\n".join(lines)


def _trust() -> str:
    return (
        "## Check it yourself\n\n"
        "The project's catalog pins this repo by commit hash and each file by sha256, so "
        '`zoo.load(…, source="hub")` refuses anything else. For another revision the files are '
        "checked against its own `manifest.json`. `python -m training.evaluate MODEL --data-dir D` "
        "measures the test metric again."
    )


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _fraction(value: float) -> str:
    return f"{100 * value:.2f} %"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
