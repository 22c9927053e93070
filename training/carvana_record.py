"""What a Carvana run writes down: config.json and record.json."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from training.data import carvana as data
from training.earlier_run import joined, take_weights
from training.errors import TrainingError
from training.machine import Machine
from training.predict_masks import Held, choose_threshold, measure_at, measure_photos

if TYPE_CHECKING:
    from training.carvana import Recipe


def plain(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as JSON gives it back: lists instead of tuples."""

    def lists(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: lists(item) for key, item in value.items()}
        return [lists(item) for item in value] if isinstance(value, tuple) else value

    return dict(lists(asdict(recipe)))


def config(recipe: Recipe, record: dict[str, Any]) -> dict[str, Any]:
    """Return what config.json shall hold."""
    return {
        "format": 1,
        "model": "carvana",
        "title": "Cars",
        "task": "segmentation",
        "framework": "torch",
        "architecture": "unet",
        "arguments": {
            "widths": list(recipe.widths), "skips": recipe.skips, "context": recipe.context,
        },
        "input": {
            "channels": 3, "longest_side": data.WIDTH,
            "mean": list(data.MEAN), "std": list(data.STD),
        },
        "labels": ["car"],
        "threshold": record["threshold"],
        "data": data.DESCRIPTION,
        "licence": "Apache-2.0",
    }  # fmt: skip


def begin_with(network: nn.Module, folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """Give a network the weights of a finished run; return what the record says about that run.

    Args:
        network: takes the weights.
        folder: of the finished run.
        identity: of the run that begins: it must hold out the same photos.

    Returns:
        The earlier run's command, commit, recipe, seed, history and so on, and as ``weights`` the
        SHA-256 of its weights.

    Raises:
        TrainingError: if there is no such run, or it does not fit.
    """
    record, kept = take_weights(network, folder, added="context.")
    kinds = ("studio", "streets")  # of which photos are held out by car and by drive
    if any(record.get("photos", {}).get(kind) != identity["photos"][kind] for kind in kinds):
        raise TrainingError(f"{folder} learned from other photos; begin with a run on these.")
    return kept


def describe_run(
    recipe: Recipe, network: nn.Module, progress: dict[str, Any], held: Held, machine: Machine
) -> dict[str, Any]:
    """Return what record.json shall hold; the threshold is chosen here.

    Args:
        recipe: of the run.
        network: trained.
        progress: of the last checkpoint: identity, provenance, history.
        held: the validation pictures.
        machine: how to compute.
    """
    record, history = joined(progress["record"], progress["history"])
    threshold = choose_threshold(network, held.studio, machine)
    metrics = {"validation": measure_at(network, held.studio, machine, threshold)}
    if held.streets:
        metrics["validation_streets"] = measure_at(network, held.streets, machine, threshold)
    if held.photos:
        metrics["validation_phone"] = measure_photos(network, held.photos, machine, threshold)
    return {
        "format": 1,
        "model": "carvana",
        **record,
        "resumed": progress.get("resumed", []),
        **progress["identity"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "selection": "the weights after the last step; the threshold with the best mean IoU on the "
        "validation cars",
        "threshold": threshold,
        "validation_cars": sorted({pair.car for pair in held.studio}),
        "wall_seconds": round(sum(row["seconds"] for row in history), 1),
        "metrics": metrics,
        "history": history,
    }
