"""Top-activating images as they were recorded for a model's weights, so that nobody waits for them.

``python -m training.metrics.top_activation_record`` writes a file a model, which holds numbers of
images, places and values; the images themselves are in :mod:`zoo.samples.sets`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from zoo.explain.top_activations import StrongestAnswers

FOLDER = Path(__file__).parent.parent / "samples" / "top_activations"
PARTS = ("images", "places", "values")


def path_of(model: str) -> Path:
    """Return where a model's record lies, whether it is there or not."""
    return FOLDER / f"{model}.safetensors"


def recorded(model: str, sha256: str, image_set: str) -> Mapping[str, StrongestAnswers] | None:
    """Return what was recorded for a model; None if nothing was for these weights and images.

    Args:
        model: The catalog's name.
        sha256: Of the weights' file: what other weights answered says nothing.
        image_set: Name of the images; see :func:`zoo.samples.sets.image_set`.
    """
    try:
        with safe_open(path_of(model), "numpy") as file:
            facts = file.metadata() or {}
            if (facts.get("sha256"), facts.get("image_set")) != (sha256, image_set):
                return None
            columns = json.loads(facts["columns"])
            return {
                layer: StrongestAnswers(
                    **{part: file.get_tensor(f"{layer}/{part}") for part in PARTS},
                    columns=int(wide),
                )
                for layer, wide in columns.items()
            }
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        return None  # it is only a shortcut


def tensors(found: Mapping[str, StrongestAnswers]) -> dict[str, np.ndarray]:
    """Return what the file holds for :func:`recorded`, by name."""
    return {
        f"{layer}/{part}": np.ascontiguousarray(getattr(answers, part))
        for layer, answers in found.items()
        for part in PARTS
    }
