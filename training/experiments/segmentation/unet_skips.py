"""What do a U-Net's skip connections do?

    python -m training.experiments.segmentation.unet_skips --data-dir DIR

The same small U-Net with and without them, trained on the same images for the same time.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.engine.failures import run_command
from training.engine.provenance import ROOT
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.segmentation.unet_study import SEEDS, UnetStudy, mean, metrics_of
from zoo.loading import load_folder
from zoo.models import Segmenter

NAME = "unet_skips"
QUESTION = "What do a U-Net's skip connections do?"
LIMITS = (
    "A short training, two seeds, 24 images of three cars, and one learning rate for both. On "
    "the street photos (street_iou) the seeds differ by more than skip connections do: a tie. "
    "Without them the network has fewer parameters."
)
PHOTOS = ROOT / "zoo" / "samples" / "cars"
MAP_WIDTH = 256  # pixels of a recorded probability map


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    iou, edge = (
        [mean(rows, column, skips=skips) for skips in (True, False)]
        for column in ("iou", "boundary_iou")
    )
    return (
        f"Without skip connections the IoU goes from {percent(iou[0])} to {percent(iou[1])} and "
        f"the Boundary IoU from {percent(edge[0])} to {percent(edge[1])}, after the same short "
        f"training ({len(SEEDS)} seeds, validation images)."
    )


def maps(folders: Mapping[str, Path]) -> list[dict[str, str]]:
    """Return what each network says of one sample photo: probabilities as a grayscale PNG."""
    photos = sorted(PHOTOS.glob("*.jpg"))
    if not photos:
        return []
    images = []
    for name, folder in folders.items():
        model = load_folder("carvana", folder, "cpu")
        assert isinstance(model, Segmenter)
        probabilities = model.predict(photos[0]).low_res_probabilities
        images.append({"network": name, "photo": photos[0].name, "png": _png(probabilities)})
    return images


def _png(probabilities: NDArray[np.float32]) -> str:
    image = Image.fromarray((255 * probabilities).round().astype(np.uint8))
    image.thumbnail((MAP_WIDTH, MAP_WIDTH))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study, rows = UnetStudy(NAME, QUESTION, arguments), []
    folders: dict[str, Path] = {}
    for seed in SEEDS:
        for skips in (True, False):
            folder = f"skips-{skips}-seed-{seed}".lower()
            result = study.train(replace(study.recipe, skips=skips), seed, folder)
            name = "with skips" if skips else "without skips"
            folders.setdefault(name, study.options.out / folder)
            row = {"skips": skips, "seed": seed, "parameters": result["parameters"]}
            rows.append(row | metrics_of(result))
    return study.conclude(rows, finding(rows), SEEDS, maps=maps(folders), limits=LIMITS)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
