"""What a full-size photo loses when its mask is found at 512 pixels, and what refining brings back.

    python -m training.experiments.segmentation.mask_edges --data-dir DIR
    [--model-folder RUN] [--images N]

First, on photos of training and validation cars, the true mask, the true mask with its edge moved
about, as a network that is off by a pixel would give it, and the network's own, each scaled up with
several settings of `zoo.segmentation.mask_refinement.Walk`. The network's own decide on the
setting. Then, on the test cars, its masks scaled up with that setting and without refining.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import zoo
from training.data import carvana_photos
from training.data.carvana_photos import ImageMaskPair
from training.engine.failures import TrainingError, run_command
from training.engine.options import positive
from training.experiments import command
from zoo.loading import load_folder
from zoo.preprocessing import images
from zoo.segmentation import masks
from zoo.segmentation.mask_refinement import WALK, Walk, enlarge

NAME = "mask_edges"
QUESTION = (
    "What does a photo in full size lose when its mask is found at 512 pixels, and what does "
    "refining the edge bring back?"
)
LIMITS = (
    "Photos of four cars in one studio. The setting was chosen on other cars (the rows of the "
    "split train), most of which the network learned from."
)
SETTINGS = [
    Walk(colour, prior) for colour in (1.5, 2.0, 3.0, 4.0) for prior in (0.01, 0.02, 0.06, 0.2)
]
EDGE = 0.002  # of the diagonal, 5 pixels of Carvana's photos: a Boundary IoU of the edge alone
MOVED, PATCH, BLUR = 1.0, 6.0, 0.8  # working pixels: how far and how evenly, and how soft the edge

Probabilities: TypeAlias = NDArray[np.float32]
Source: TypeAlias = Callable[[str, NDArray[np.uint8], NDArray[np.bool_]], Probabilities]


def true_mask(name: str, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Probabilities:
    """Return what a perfect network would say at 512 pixels."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter((_share(mask) > 0.5).astype(np.float32), BLUR)


def moved_mask(name: str, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Probabilities:
    """Return the same for a network that is off by a pixel here and there.

    The true mask is warped by a smooth random field of displacements (in root mean square
    ``MOVED`` pixels along each axis), the same every time for a photo of that name.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    share = _share(mask)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    places = np.indices(share.shape).astype(np.float64)
    for axis in places:
        field = gaussian_filter(rng.standard_normal(share.shape), PATCH)
        axis += MOVED * field / field.std()
    warped = np.asarray(map_coordinates(share, places, order=1, mode="nearest"))
    return gaussian_filter((warped > 0.5).astype(np.float32), BLUR)


def _share(mask: NDArray[np.bool_]) -> Probabilities:
    """Return the share of car in each pixel at the working size."""
    size = images.scale(Image.fromarray(mask), carvana_photos.WIDTH).size
    drawn = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(drawn.resize(size, Image.Resampling.BOX), np.float32) / np.float32(255)


def measure(
    pairs: Sequence[ImageMaskPair],
    split: str,
    source: str,
    say: Source,
    settings: Sequence[Walk | None],
    threshold: float = 0.5,
) -> list[dict[str, Any]]:
    """Return a row of means over the images for each setting.

    Args:
        pairs: photos in full size.
        split: what the row calls them.
        source: where the masks come from, for the row.
        say: returns the probabilities at the working size.
        settings: None scales up bilinearly.
        threshold: from which a pixel belongs to the mask.
    """
    found: dict[Walk | None, list[tuple[float, ...]]] = {walk: [] for walk in settings}
    for pair in pairs:
        image, true = pair.read()
        low_res_probabilities, photo = say(pair.name, image, true), Image.fromarray(image)
        for walk, rows in found.items():
            start = time.process_time()  # other work on the machine does not count
            scaled = enlarge(
                low_res_probabilities, photo, threshold, walk is not None, walk or WALK
            )
            seconds = time.process_time() - start
            rows.append((*_metrics(scaled >= threshold, true), seconds))
    names = ("iou", "boundary_iou", "edge_iou", "cpu_seconds")
    return [
        {
            "split": split,
            "mask": source,
            "method": "refined" if walk else "bilinear",
            "colour": walk.colour if walk else None,
            "prior": walk.prior if walk else None,
            "n": len(rows),
        }
        | {name: round(float(v), 5) for name, v in zip(names, np.mean(rows, axis=0), strict=True)}
        for walk, rows in found.items()
    ]


def _metrics(predicted: masks.Mask, true: masks.Mask) -> Iterator[float]:
    yield masks.iou(predicted, true)
    yield masks.boundary_iou(predicted, true)
    yield masks.boundary_iou(predicted, true, EDGE)


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the rows show."""

    def pick(mask: str, method: str) -> dict[str, Any]:
        settings = [None, None] if method == "bilinear" else [WALK.colour, WALK.prior]
        found = [row for row in rows if [row["colour"], row["prior"]] == settings]
        return [row for row in found if row["mask"] == mask][-1]  # the test's rows are the last

    def change(mask: str) -> str:
        before, after = (100 * pick(mask, method)["iou"] for method in ("bilinear", "refined"))
        return f"{before:.2f} % to {after:.2f} %"

    n = pick("network", "refined")["n"]
    return (
        f"On {n} full-size photos of the test cars refining takes the network's IoU from "
        f"{change('network')}; a mask whose edge is off by a pixel at 512 goes from "
        f"{change('moved')}, and one without a fault from {change('true')}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write ``zoo/experiments/mask_edges.json``."""
    parser = command.parser(QUESTION)
    parser.add_argument(
        "--model-folder", type=Path, metavar="RUN", help="a run, instead of the zoo's carvana"
    )
    parser.add_argument("--images", type=positive, help="of each split at the most (default all)")
    options = parser.parse_args(arguments)
    experiment = command.Study(NAME, QUESTION, options, ("numpy", "scipy", "pillow", "torch"))
    try:
        if options.model_folder:
            model = load_folder("carvana", options.model_folder, "cpu")
        else:
            model = zoo.load("carvana", device="cpu", source="bundle")
    except zoo.ZooError as error:
        raise TrainingError(str(error)) from None
    assert isinstance(model, zoo.Segmenter)
    rows = run(model, options.data_dir, options.images)
    return experiment.conclude(rows, finding(rows), [0], limits=LIMITS)


def run(model: zoo.Segmenter, data_dir: Path, most: int | None = None) -> list[dict[str, Any]]:
    """Return all rows; ``most`` images of each split at the most."""
    learned = carvana_photos.load(data_dir, "all", full_size=True)[:most]
    test = carvana_photos.load(data_dir, "test", full_size=True)[:most]
    threshold = float(model.config["threshold"])

    def says(name: str, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Probabilities:
        return model.predict(image, refine=False).low_res_probabilities

    rows = []
    for name, say in {"true": true_mask, "moved": moved_mask, "network": says}.items():
        rows += measure(learned, "train", name, say, [None, *SETTINGS], threshold)
    return rows + measure(test, "test", "network", says, [None, WALK], threshold)


if __name__ == "__main__":
    run_command(main)
