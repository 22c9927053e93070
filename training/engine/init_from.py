"""Begin a run with the weights of a finished one, and keep the earlier run's record.

What one session on a small machine cannot hold is trained in parts this way. A finished run's
folder is enough, and so is a model's folder in ``zoo/bundle``: momentum starts anew, as the
learning rate does.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from training.engine.failures import TrainingError
from training.engine.json_files import read_json

KEPT = (
    "command", "git_commit", "started", "seed", "recipe", "parts", "train_pflop", "history",
    "train_seconds", "init_from",
)  # fmt: skip


def add_init_from(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--init-from RUN``."""
    parser.add_argument(
        "--init-from", type=Path, metavar="RUN", help="a finished run whose weights to begin with"
    )


def take_weights(
    network: nn.Module, folder: Path, added: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a network the weights of a finished run.

    Args:
        network: takes the weights.
        folder: of the finished run.
        added: how the names of weights begin that the run's network may lack; they remain as they
            are. Such layers must answer nothing yet, or the network is no longer the run's.

    Returns:
        The earlier run's whole record, and what a later record keeps of it (command, commit,
        recipe, seed, history and so on, and as ``weights`` the SHA-256 of its weights).

    Raises:
        TrainingError: if there is no such run, or its network is another one.
    """
    try:
        content = (folder / "model.safetensors").read_bytes()
        record = read_json(folder / "record.json")
        weights = load(content)
        for name, value in network.state_dict().items():
            if added and name.startswith(added):
                weights.setdefault(name, value)
        network.load_state_dict(weights)
    except (OSError, ValueError, RuntimeError, SafetensorError):
        raise TrainingError(
            f"{folder} holds no finished run of this network; give --init-from one that does."
        ) from None
    kept = {key: record[key] for key in KEPT if key in record}
    return record, kept | {"weights": hashlib.sha256(content).hexdigest()}


def note(progress: dict[str, Any], kept: dict[str, Any]) -> None:
    """Note in a run's progress whose weights it began with.

    Args:
        progress: of the run; see `training.engine.loop.begin`.
        kept: the second of what `take_weights` returns.
    """
    progress["identity"]["first_weights"] = kept.pop("weights")
    progress["record"]["init_from"] = kept


def joined(
    record: dict[str, Any], history: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a run's record and its history, with the earlier run's epochs before its own.

    ``init_from`` keeps how many epochs there were, instead of what happened in them.

    Args:
        record: of the later run, perhaps with ``init_from``.
        history: its epochs, numbered from 1.
    """
    earlier = record.get("init_from")
    if not earlier:
        return record, history
    before = earlier["history"]
    short = {key: value for key, value in earlier.items() if key != "history"}
    short["epochs"] = len(before)  # of all parts up to there
    rows = [row | {"epoch": len(before) + row["epoch"]} for row in history]
    return record | {"init_from": short}, [*before, *rows]
