"""What happens when the car gets small?

    python -m training.experiments.segmentation.object_size --data-dir DIR

Validation photos of the studio, scaled down to 1/2 … 1/16 on a floor that goes on around them, are
given to three networks: the shipped one; one after a short training with the recipe's changes of
size; and one after the same training without them. Against small cars there are two remedies after
training: a larger working resolution, and tiles (parts of the image, each enlarged to the working
size). Both make the car larger and bring no pixel, for these photos have only as many as the
shipped network works with; `small_objects` tells the two apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from training.data.carvana_photos import ImageMaskPair, normalize
from training.engine.compute import ComputeConfig
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.segmentation.unet_study import UnetStudy, mean
from zoo.loading import load, load_folder
from zoo.segmentation.masks import Mask, iou

NAME = "object_size"
QUESTION = "How small may a car be, and what helps?"
LIMITS = (
    "Studio photos of three cars, shrunk on a floor that goes on around them; one seed. The "
    "best way for each size is named after the fact, on the same images."
)
SCALES = (1, 2, 4, 8, 16)  # the car is that many times smaller
TILE_OVERLAP = 32  # pixels of the working size by which neighbouring tiles overlap


def shrunk(pair: ImageMaskPair, scale: int) -> tuple[NDArray[np.uint8], Mask]:
    """Return a photo scaled down in the middle of a canvas of its old size, and its mask.

    The canvas repeats the photo's border; the mask is scaled by area, with threshold ½.
    """
    image, mask = pair.read()
    if scale == 1:
        return image, mask
    height, width = mask.shape
    size = (round(width / scale), round(height / scale))
    scaled = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    shares = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    border = ((top, height - size[1] - top), (left, width - size[0] - left))
    drawn = np.pad(np.asarray(shares) > 127, border)
    return np.pad(scaled, (*border, (0, 0)), mode="edge"), drawn


def whole(network: nn.Module, inputs: Tensor, enlarge: int = 1) -> Tensor:
    """Return the logits for an image that the network sees enlarged."""
    if enlarge == 1:
        return network(inputs)
    size = inputs.shape[2:]
    larger = functional.interpolate(inputs, scale_factor=enlarge, mode="bicubic")
    return functional.interpolate(network(larger), size=size, mode="area")


def tiled(network: nn.Module, inputs: Tensor, parts: int, enlarge: int) -> Tensor:
    """Return the logits put together from parts × parts tiles that overlap, each seen enlarged.

    Where tiles overlap, by `TILE_OVERLAP` pixels of what the network sees, the mean counts.
    """
    height, width = inputs.shape[2:]
    total = torch.zeros_like(inputs[:, :1], dtype=torch.float32)
    count = torch.zeros_like(total)
    margin = TILE_OVERLAP // enlarge
    for rows in _spans(height, parts, margin):
        for columns in _spans(width, parts, margin):
            tile = inputs[:, :, rows, columns]
            total[:, :, rows, columns] += whole(network, tile, enlarge)
            count[:, :, rows, columns] += 1
    return total / count


def _spans(length: int, parts: int, margin: int) -> Iterator[slice]:
    """Yield equal parts of a length, each with a margin of its neighbours."""
    edges = np.linspace(0, length, parts + 1).round().astype(int).tolist()
    for start, stop in itertools.pairwise(edges):
        yield slice(max(0, start - margin), min(length, stop + margin))


METHODS = {
    "as it is": lambda network, inputs: whole(network, inputs),
    "working resolution × 2": lambda network, inputs: whole(network, inputs, 2),
    "working resolution × 4": lambda network, inputs: whole(network, inputs, 4),
    "2 × 2 tiles": lambda network, inputs: tiled(network, inputs, 2, 2),
    "4 × 4 tiles": lambda network, inputs: tiled(network, inputs, 4, 4),
}


def measure(
    network: nn.Module, threshold: float, pairs: Sequence[ImageMaskPair], where: ComputeConfig
) -> Iterator[dict[str, Any]]:
    """Yield a row for each scale and method: the mean IoU."""
    network = network.to(where.device).eval()
    for scale in tqdm(SCALES, unit="size", leave=False, disable=None):
        images = [shrunk(pair, scale) for pair in pairs]
        widths = [mask.any(axis=0).sum() for _, mask in images]
        for method, predict in METHODS.items():
            values = []
            for image, mask in images:
                inputs = normalize(torch.from_numpy(image.copy())[None].to(where.device))
                with torch.inference_mode(), where.autocast():
                    probabilities = predict(network, inputs.contiguous()).float().sigmoid()
                values.append(iou(probabilities[0, 0].cpu().numpy() >= threshold, mask))
            yield {
                "scale": f"1/{scale}" if scale > 1 else "1",
                "car_width": float(np.mean(widths)),
                "method": method,
                "iou": float(np.mean(values)),
            }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    shipped = [row for row in rows if row["network"] == rows[0]["network"]]
    smallest = shipped[-1]["scale"]
    plain = mean(shipped, "iou", scale=smallest, method="as it is")
    best = max(
        (row for row in shipped if row["scale"] == smallest), key=lambda row: float(row["iou"])
    )
    full = mean(shipped, "iou", scale="1", method="as it is")
    return (
        f"The shipped network's IoU falls from {percent(full)} to {percent(plain)} when the car "
        f"shrinks to {smallest} of its size ({best['car_width']:.0f} pixels wide); best there is "
        f"“{best['method']}” with {percent(best['iou'])}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = UnetStudy(NAME, QUESTION, arguments)
    recipe, quick = study.recipe, study.options.quick
    fixed = replace(
        recipe.low_res_augmentation, zoom=(1.0, 1.0), stretch=0.0, paste=0.0, street=0.0
    )  # every car as large as the studio shows it
    one_size = replace(recipe, low_res_augmentation=fixed)
    trainings = {
        "short training, many sizes": (recipe, "skips-true-seed-0"),
        "short training, one size": (one_size, "one-size-seed-0"),
    }
    models = {} if quick else {"shipped": load("carvana", "cpu", source="bundle")}
    for name, (wanted, folder) in trainings.items():
        study.train(wanted, 0, folder)
        models[name] = load_folder("carvana", study.options.out / folder, "cpu")
    pairs = study.held.studio[:2] if quick else study.held.studio
    rows = [
        {"network": name} | row
        for name, model in models.items()
        for row in measure(model.network, model.config["threshold"], pairs, study.compute)
    ]
    return study.conclude(rows, finding(rows), [0], limits=LIMITS)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
