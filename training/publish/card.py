"""The model card, generated from the records: no number in it is typed in.

The snippets are those of `zoo.snippets`, which the app's page shows too; a test runs them as shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

import zoo
from training.documents.markdown_text import code, duration, megabytes, percent
from training.publish.example import example
from zoo import records, snippets
from zoo.records import METRIC
from zoo.weights.model_info import ModelInfo

TASKS = {"classification": "image-classification", "segmentation": "image-segmentation"}
METRIC_NAMES = {
    "accuracy": "Accuracy",
    "iou": "Mean IoU",
    "dice": "Dice",
    "boundary_iou": "Boundary IoU",
    "worst": "IoU of the worst image",
}
HUB_METRICS = {"classification": "accuracy", "segmentation": "mean_iou"}


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
        front_matter({name: zoo.info(name) for name in records}),
        _introduction(),
        _overview(records),
        _use(repo, next(iter(records)), files),
        *(_model(name, record, files) for name, record in records.items()),
        _experiments(),
        _trust(),
    ]
    return "\n".join(section.strip("\n") + "\n" for section in sections if section)


def front_matter(infos: Mapping[str, ModelInfo]) -> str:
    """Return the YAML block; its ``model-index`` makes the Hub show the metrics."""
    block = {
        **_license(infos.values()),
        "library_name": "pytorch",
        "pipeline_tag": TASKS[next(iter(infos.values())).task],
        "tags": sorted({TASKS[info.task] for info in infos.values()} | {"cnn", "safetensors"}),
        "datasets": sorted({_dataset_id(info) for info in infos.values()}),
        "metrics": sorted({HUB_METRICS[info.task] for info in infos.values()}),
        "model-index": [_index_entry(info) for info in infos.values()],
    }
    return f"---\n{yaml.safe_dump(block, sort_keys=False, allow_unicode=True)}---\n"


def _license(infos: Iterable[ModelInfo]) -> dict[str, str]:
    """The Hub knows one license a repo, by its SPDX name in small letters."""
    found = sorted({info.license for info in infos})
    if len(found) == 1:
        return {"license": found[0].lower()}
    return {"license": "other", "license_name": " and ".join(found)}


def _index_entry(info: ModelInfo) -> dict[str, Any]:
    metrics = [
        {"type": name, "value": round(float(info.metrics[name]), 6), "name": text}
        for name, text in METRIC_NAMES.items()
        if name in info.metrics
    ]
    result = {
        "task": {"type": TASKS[info.task]},
        "dataset": {
            "type": _dataset_id(info),
            "name": info.data["name"],
            "split": info.metrics_split,
        },
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
            f"| {METRIC_NAMES[metric]} {percent(test[metric])} | {test['n']:,} "
            f"| {info.parameters:,} | {megabytes(info.size)} | {info.data['name']} |"
        )
    return "## Models\n\n" + "\n".join(lines)


def _use(repo: str, name: str, files: Mapping[str, Any]) -> str:
    image = _example_path(name, files)
    blocks = [
        "## Use",
        f"With the project's own library (here `{name}`; every model works the same way):",
        code("python", snippets.library(name, repo, image)),
        "With the Hub client, PyTorch and safetensors alone:",
        code("python", snippets.plain(name, repo)),
        "`network.py` is plain PyTorch. It is code: read it, and pin the revision that you have "
        "read (`revision=` takes a commit hash).",
        "With ONNX Runtime alone (OpenVINO and others read the same file; its metadata says what "
        "goes in and what comes out):",
        code("python", snippets.onnx(name, repo)),
        "On the command line:",
        code("bash", snippets.command(name, repo)),
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
        metrics_table(record),
        _curves(name, record, files),
        "**How it was trained.** " + how_trained(record),
        "**How the numbers were measured.** " + _measured(record),
        _example_credit(name, files),
        f"**Data.** {info.data['name']} ({info.data['source']}), license: {info.data['license']}. "
        f"Weights: {info.license}.",
        "**Limitations.** " + (info.limitations or "None are recorded."),
        "Files: " + ", ".join(f"`{pin.name}` sha256 `{pin.sha256}`" for pin in info.files.values()),
    ]
    return "\n\n".join(part for part in parts if part)


def _example_path(name: str, files: Mapping[str, Any]) -> str | None:
    return next((path for path in sorted(files) if path.startswith(f"{name}/example.")), None)


def _example_credit(name: str, files: Mapping[str, Any]) -> str:
    """Whose the example image is: most licenses ask for it."""
    path, image = _example_path(name, files), example(name)
    if path is None or image is None:
        return ""
    return f"**Example image.** [`{path}`]({path}): {image.credit}."


def _curves(name: str, record: Mapping[str, Any], files: Mapping[str, Any]) -> str:
    """The image of the run, and why its two curves need not meet."""
    if f"{name}/curves.png" not in files:
        return ""
    return "\n\n".join(
        [f"![Training curves of {name}]({name}/curves.png)", *records.curve_notes(record)]
    )


def metrics_table(record: Mapping[str, Any]) -> str:
    """Return the metrics of all splits as a table."""
    rows = [
        f"| {split.replace('_', ', ')} | {text} | {percent(values[metric])} | {values['n']:,} |"
        for split, values in record["metrics"].items()
        if isinstance(values, dict) and "n" in values
        for metric, text in METRIC_NAMES.items()
        if metric in values
    ]
    return "| split | metric | value | n |\n|---|---|---|---|\n" + "\n".join(rows)


def how_trained(record: Mapping[str, Any]) -> str:
    """Return a run in a sentence: command, commit, seed, epochs, machine."""
    compute = record["hardware"]
    where = compute.get("gpu") or f"{compute['cpu']}, {compute['cores']} cores"
    commit = record.get("git_commit") or "unknown"
    return (
        f"`{record['command']}`, commit `{commit}`, seed {record['seed']}, "
        f"{len(record['history'])} epochs in {duration(record['train_seconds'])} on {where}."
    )


def _measured(record: Mapping[str, Any]) -> str:
    test_set = record.get("test_set", "Nothing was chosen on the test set.")
    text = f"Checkpoint: {record['selection'].rstrip('.')}. {test_set}"
    metric, _, _ = records.headline(record)
    key = f"test_{metric}"
    values = [seed[key] for seed in record.get("seeds", []) if key in seed]
    if len(values) > 1:
        mean = sum(values) / len(values)
        std = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
        text += (
            f" Over {len(values)} seeds the test {METRIC_NAMES[metric]} is {percent(mean)} "
            f"± {percent(std)} (mean ± standard deviation)."
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
