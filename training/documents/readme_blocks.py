"""What is generated in README.md: badges, table of models, an example with its output, times."""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import zoo
from training.data.readers import reader
from training.documents.badges import badges
from training.documents.markdown_text import (
    code,
    duration,
    hardware,
    megabytes,
    percent,
    table,
)
from training.engine.provenance import ROOT
from training.publish.card import METRIC_NAMES
from zoo.networks import ARCHITECTURES
from zoo.records import METRIC

SPEED = "inference_speed"  # the experiment that the column is from
NOT_MEASURED = "not yet measured"
COMMENT = 58  # the column where the outputs begin
EXAMPLE = """\
import zoo
model = zoo.load("mnist")
answer = model.predict("zoo/samples/digits/7-06586.png")
answer
mask = zoo.load("carvana").predict("zoo/samples/cars/red-coupe-snow.jpg").mask
mask.shape, round(float(mask.mean()), 2)
"""
SAID = {
    "model =": "checked by sha256; this one needs no torch",
    "answer =": "or bytes, a PIL image, an array",
}


def readme_blocks() -> dict[str, str]:
    """Return the blocks of README.md by name."""
    return {
        "badges": "\n".join(
            f"[![{name}](docs/badges/{name}.svg)]({_target(name)})" for name in badges()
        ),
        "models": models_table(),
        "example": code("python", "\n".join(run_example(EXAMPLE))),
        "training": code("sh", "\n".join(training_commands())),
        "architectures": "\n\n".join(architecture_lines()),
    }


def _target(badge: str) -> str:
    targets = {"license": "LICENSE", "python": "pyproject.toml"}
    return targets.get(badge, f"docs/results.md#{badge}")


def models_table() -> str:
    """Return a row a model: metric, size, speed, links; below it where the speed was measured."""
    speeds = measured_speeds()
    rows = []
    for name in zoo.list_models(own=False, alternatives=False):
        info = zoo.info(name)
        metric = METRIC[info.task]
        rows.append(
            [
                f"[`{name}`](docs/results.md#{name})",
                f"{info.title}: {info.data['name']}",
                _written_in(info.framework),
                f"**{percent(info.metrics[metric])}** {METRIC_NAMES[metric].lower()}".replace(
                    "iou", "IoU"
                ),
                f"{info.metrics_n:,}",
                f"{info.parameters:,}",
                megabytes(info.files["model.safetensors"].size),
                speeds.get(name, NOT_MEASURED),
                f"[record](zoo/bundle/{name}/record.json) · [how](docs/training.md#{name})",
            ]
        )
    head = [
        "model",
        "for",
        "written in",
        "test",
        "n",
        "parameters",
        "weights",
        "an image takes",
        "",
    ]
    return f"{table(head, rows)}\n\n{_speed_note()} {_alternatives_note()}".strip()


def _written_in(framework: str) -> str:
    return {"numpy": "NumPy, from scratch", "torch": "PyTorch"}[framework]


def measured_speeds() -> dict[str, str]:
    """Return by model how long an image takes, as recorded; {} before it was measured."""
    if SPEED not in zoo.list_experiments():
        return {}
    return {row["model"]: f"{row['single_ms']:.1f} ms" for row in zoo.experiment(SPEED).rows}


def _speed_note() -> str:
    if SPEED not in zoo.list_experiments():
        return ""
    found = zoo.experiment(SPEED)
    return (
        f"An image: the network alone, float32, {hardware(found.raw)}, all models in turns "
        f"(`{found.command}`)."
    )


def _alternatives_note() -> str:
    others = [name for name in zoo.list_models(own=False) if zoo.info(name).alternative_to]
    if not others:
        return ""
    named = ", ".join(f"[`{name}`](docs/results.md#{name})" for name in others)
    return f"To be compared with `{zoo.info(others[0]).alternative_to}`: {named}."


def run_example(text: str) -> list[str]:
    """Run a piece of Python and return its lines, each expression with its value behind it.

    Args:
        text: statements, one a line.
    """
    names: dict[str, Any] = {}
    lines = []
    with _inside(ROOT):  # where the samples are
        for line in text.splitlines():
            said = next((words for start, words in SAID.items() if line.startswith(start)), "")
            tree = ast.parse(line)
            if tree.body and isinstance(tree.body[0], ast.Expr):
                said = f"→ {eval(line, names)!r}"
            else:
                exec(line, names)
            lines.append(f"{line:{COMMENT}}# {said}" if said else line)
    return lines


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def training_commands() -> list[str]:
    """Return one command a model that trains it, with the time that the shipped one took."""
    lines = []
    for name in zoo.list_models(own=False, alternatives=False):
        record = zoo.record(name, source="bundle")
        download = " --download" if name in downloadable() else ""
        command = f"python -m training.{name} --data-dir data{download} --out runs/{name} --export"
        spent = f"{duration(record['train_seconds'])}, {hardware(record)}"
        lines.append(f"{command:<84}# {spent}")
    return ["# times: of the shipped ones", *lines]


def downloadable() -> set[str]:
    """Return the models whose data ``--download`` fetches: those whose reader can."""
    readers = {
        name: reader({"data": zoo.info(name).data})
        for name in zoo.list_models(own=False, alternatives=False)
    }
    return {name for name, data in readers.items() if "download" in signature(data.load).parameters}


def architecture_lines() -> list[str]:
    """Return a diagram a model behind its name."""
    return [
        f"`{name}` ([code](zoo/networks/{_module(zoo.info(name).architecture)})):\n"
        f"![{name}, layer by layer](docs/architectures/{name}.svg)"
        for name in zoo.list_models(own=False, alternatives=False)
    ]


def _module(architecture: str) -> str:
    path = ARCHITECTURES[architecture].module.replace(".", "/")
    return path if (ROOT / "zoo" / "networks" / path).is_dir() else f"{path}.py"
