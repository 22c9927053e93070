"""docs/results.md: what every model reaches, and what every experiment found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import zoo
from training.documents import failed_photos
from training.documents.markdown_text import code, hardware, percent, table
from training.engine.json_files import read_json
from training.metrics.photo_kinds import KINDS
from training.publish.card import METRIC_NAMES
from zoo import records

# What is told of photos with partial masks and without a car (training.metrics.phone_photos).
SHOWN = METRIC_NAMES | {
    "good": "Good masks",
    "fair": "Fair masks",
    "refused": 'Answered "no car"',
}

HEAD = """\
# Results

Every number below is read from the models' records and from `zoo/experiments/`; this page is
written by `python -m training.documents`, and a test compares. A metric is that of one network with
one view of each image, in float32. Choices (recipe, threshold, checkpoint) are made on validation
images; [training.md](training.md) says where something else had a say."""


def results_document() -> str:
    """Return the text of docs/results.md."""
    models = [model_section(name) for name in zoo.list_models(own=False)]
    parts = [HEAD, "## Models", *models, "## Experiments", EXPERIMENTS, *experiments()]
    return "\n\n".join(parts) + "\n"


EXPERIMENTS = """\
Each is one file with its table, the machine, the versions and the commit of the code that ran
(`zoo.experiment(name)` reads it). A command names today's modules; at that commit it may have
another name."""


def model_section(name: str) -> str:
    """Return a model's table of metrics, its seeds, calibration and alarm, and how to repeat it."""
    info, record = zoo.info(name), zoo.record(name, source="bundle")
    parts = [
        f"### {name}",
        f"{info.title}: {info.task} on {info.data['name']}, {info.parameters:,} parameters; "
        f"[how it was trained](training.md#{info.alternative_to or name}), "
        f"[record](../zoo/bundle/{name}/record.json).",
        metrics_table(record),
        *filter(None, [seeds(record), calibration(record), alarms(record)]),
        code("sh", f"python -m training.evaluate {name} --data-dir data"),
        failed_photos.section(read_json(failed_photos.FILE), name, info.sha256),
        f"Limits: {info.limitations}" if info.limitations else "",
    ]
    return "\n\n".join(part for part in parts if part)


def metrics_table(record: Mapping[str, Any]) -> str:
    """Return one row a split, one column a metric."""
    splits = {
        split: values
        for split, values in record["metrics"].items()
        if isinstance(values, dict) and "n" in values
    }
    names = [m for m in SHOWN if any(m in values for values in splits.values())]
    rows = [
        [
            f"{_split(split)} (n = {values['n']:,})",
            *(percent(values[m]) if m in values else "–" for m in names),
        ]
        for split, values in splits.items()
    ]
    return table(["", *(SHOWN[m] for m in names)], rows)


def _split(key: str) -> str:
    """Return "test, phone photos" for ``"test_phone"``."""
    split, _, kind = key.partition("_")
    return f"{split}, {KINDS.get(kind, kind)}" if kind else split


def seeds(record: Mapping[str, Any]) -> str:
    """Say what the seeds reach on the test images; "" for a single one."""
    metric, _, _ = records.headline(record)
    found = [row for row in record.get("seeds", []) if f"test_{metric}" in row]
    if len(found) < 2:
        return f"One seed ({record['seed']})."
    values = [row[f"test_{metric}"] for row in found]
    numbers = ", ".join(str(row["seed"]) for row in found)
    return (
        f"Seeds {numbers}: test {METRIC_NAMES[metric].lower()} "
        f"{', '.join(map(percent, values))}, mean {percent(sum(values) / len(values))}; "
        f"seed {record['seed']} is shipped."
    )


def calibration(record: Mapping[str, Any]) -> str:
    """Say what the temperature does to the expected calibration error, "" without one."""
    found = record.get("calibration")
    if not found:
        return ""
    before, after = percent(found["ece_before"]), percent(found["ece_after"])
    return (
        f"Temperature {found['temperature']:.2f}, fitted on {found['n']:,} {found['split']} images "
        f"and folded into the last layer: expected calibration error {before} before, {after} "
        "after, on the same images."
    )


def alarms(record: Mapping[str, Any]) -> str:
    """Say how often images of none of the classes are noticed, "" if that was not measured."""
    found = record.get("ood")
    if not found:
        return ""
    rates = ", ".join(
        f"{percent(rate, 1)} of {what}" for what, rate in found["detection_rates"].items()
    )
    return (
        f"Out-of-distribution: below {percent(found['threshold'], 1)} confidence it warns. That "
        f"notices {rates}, at {percent(found['false_alarm_rate'], 1)} false alarms "
        f"(n = {found['n']:,})."
    )


def experiments() -> list[str]:
    """Return an item an experiment: question, finding, limits, seeds, machine, link, command."""
    return [_experiment(zoo.experiment(name)) for name in zoo.list_experiments()]


def _experiment(found: zoo.Experiment) -> str:
    many = "seed" if len(found.seeds) == 1 else "seeds"
    rows = f"{len(found.rows):,} row{'s' * (len(found.rows) != 1)}"
    limits = f" Limits: {found.raw['limits']}" if found.raw.get("limits") else ""
    numbers = ", ".join(map(str, found.seeds))
    commit = (found.git_commit or "unknown").partition("+")[0][:7]
    return (
        f"- **{found.question}** {found.finding}{limits}<br>\n"
        f"  [{found.name}](../zoo/experiments/{found.name}.json), {rows}, "
        f"{many} {numbers}, {hardware(found.raw)}, commit `{commit}`:<br>\n"
        f"  `{found.command}`"
    )
