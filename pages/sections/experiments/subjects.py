"""What an experiment is about: the room of the module that measured it."""

from __future__ import annotations

import re

import zoo

_TITLES = {
    "from_scratch": "From scratch",
    "batch_norm": "BatchNorm",
    "classification": "Classification",
    "segmentation": "Segmentation",
    "deployment": "In use",
    "benchmarks": "Speed",
}


def subject(experiment: zoo.Experiment) -> str:
    """Return the subject for people; it is read from the command.

    ``python -m training.experiments.batch_norm.batch_norm_speed …`` is about BatchNorm.
    """
    found = re.search(r"\btraining\.(?:experiments\.)?([\w.]+)\.\w+", experiment.command)
    room = found[1].rpartition(".")[2] if found else "other"
    return _TITLES.get(room, room.replace("_", " ").capitalize())


def order(subjects: set[str]) -> list[str]:
    """Return subjects in the order in which the page shows them."""
    known = [title for title in _TITLES.values() if title in subjects]
    return known + sorted(subjects - set(known))
