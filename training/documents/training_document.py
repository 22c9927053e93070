"""docs/training.md, the part about each model: how its weights were made, run by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import zoo
from training.documents.markdown_text import code, duration, hardware, table


def training_blocks() -> dict[str, str]:
    """Return the blocks of docs/training.md: one a model."""
    return {name: model_chain(name) for name in zoo.list_models(own=False, alternatives=False)}


def model_chain(name: str) -> str:
    """Return how a model's weights were made: a table of the runs, and today's commands."""
    record = zoo.record(name, source="bundle")
    chain = list(runs(record))[::-1]
    rows, spent, epochs = [], 0.0, 0
    for number, run in enumerate(chain, start=1):
        seconds = run["train_seconds"] - spent
        more = run.get("epochs", len(record["history"])) - epochs
        spent, epochs = run["train_seconds"], epochs + more
        rows.append(
            [
                str(number),
                f"{more} epochs, {duration(seconds)}",
                f"`{run['git_commit'].partition('+')[0][:7]}`",
                f"`{run['command']}`",
            ]
        )
    head = ["", "what", "commit", "command, as it was recorded"]
    told = (
        f"{epochs} epochs, {duration(spent)} in all, seed {record['seed']}, {_machines(record)}. "
        f"What is shipped: {record['selection']}."
    )
    commands = [run["command"] for run in chain]
    steps, today = table(head, rows), code("sh", "\n".join(today_commands(commands)))
    return "\n\n".join([told, steps, "With today's code:", today])


def _machines(record: Mapping[str, Any]) -> str:
    """Say what trained, and what the first part if that was another machine."""
    machine, first = hardware(record), record.get("first_part")
    before = hardware(first) if first else machine
    return machine if before == machine else f"{machine} (the first part: {before})"


def runs(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a record, the run that it began from, and so on to the first."""
    run: Mapping[str, Any] | None = record
    while run:
        yield run
        run = run.get("init_from")


def today_commands(recorded: Sequence[str]) -> list[str]:
    """Return recorded commands, in the order of the runs, as they are given from the start today.

    Nothing is resumed or taken over from a run that was the same up to there, and the last one
    alone puts its result into the zoo, which is often done by a second call.
    """
    *before, last = [
        command.replace(" --resume", "").replace(" --export", "").replace(" --first-part RUN", "")
        for command in recorded
    ]
    return [*before, f"{last} --export"]
