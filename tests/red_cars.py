"""A stand-in for the car network, whose answers can be foretold: whatever is red is car.

It is a U-Net of the real architecture with weights set by hand, in a catalog of its own beside the
real digit network, so that the page "Cars" can be tested whatever the trained weights say.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import zoo
from tests import cars
from training.engine.model_folder import export, write_model
from zoo.networks.segmentation.unet import UNet
from zoo.weights import catalog

WIDTHS = [4, 4]
THRESHOLD = 0.4  # not 0.5, so that whoever forgets it is found out
GAIN, LIMIT = 20.0, 0.3  # p = sigmoid(GAIN (redness − LIMIT)), redness = r − (g + b) / 2
RED, PINK, GRAY = (220, 30, 30), (200, 105, 105), (120, 120, 120)  # p ≈ 1, 0.82 and 0.002
PINK_PROBABILITY = 1 / (1 + np.exp(-GAIN * (95 / 255 - LIMIT)))
CARS = {"0cdf5b5d0ce1": range(1, 17), "00087a6bd4dc": range(1, 17, 4)}


def network() -> UNet:
    """Return the stand-in."""
    net = UNet(WIDTHS).eval()
    for name, parameter in net.named_parameters():
        if "bn" not in name:
            parameter.data.zero_()
    for pixel in range(4):  # each of a square's four pixels has its own channels throughout
        for colour, weight in enumerate((1.0, -0.5, -0.5)):
            net.down[0].first.conv.weight.data[pixel, 4 * colour + pixel, 1, 1] = weight
        net.down[0].second.conv.weight.data[pixel, pixel, 1, 1] = 1
        net.up[0].block.first.conv.weight.data[pixel, 4 + pixel, 1, 1] = 1  # the skip connection
        net.up[0].block.second.conv.weight.data[pixel, pixel, 1, 1] = 1
        net.head.weight.data[pixel, pixel, 0, 0] = GAIN
        net.head.bias.data[pixel] = -GAIN * LIMIT
    return net


def images() -> dict[str, float]:
    """Return a made-up IoU for each test image."""
    names = [f"{car}_{angle:02d}" for car, angles in CARS.items() for angle in angles]
    return {name: 0.97 + 0.02 * abs(np.sin(7.0 * i)) for i, name in enumerate(names)}


def record() -> dict[str, Any]:
    """Return a record with all that the page tells."""
    found = images()
    mean = float(np.mean(list(found.values())))
    test = cars.TEST | {
        "iou": mean,
        "dice": 2 * mean / (1 + mean),
        "worst": min(found.values()),
        "n": len(found),
        "images": found,
    }
    streets = {"iou": 0.8123, "dice": 0.89, "boundary_iou": 0.61, "n": 31}
    validation = {"iou": 0.98, "dice": 0.99, "boundary_iou": 0.9, "n": 16}
    return cars.record(
        command="python -m training.carvana --data-dir DIR --out RUN_DIR",
        train_seconds=3600.0,
        parameters=sum(p.numel() for p in network().parameters()),
        history=[
            {
                "epoch": epoch,
                "learning_rate": 0.01,
                "seconds": 60.0,
                "train": {"loss": 1 / epoch},
                "validation": {"iou": 1 - 0.5 / epoch, "dice": 0.9, "boundary_iou": 0.8},
            }
            for epoch in range(1, 9)
        ],
        metrics={"validation": validation, "test": test, "test_streets": streets},
    )


def config(longest: int = 512, **changes: Any) -> dict[str, Any]:
    """Return the stand-in's config: it takes pixels as they are, from 0 to 1."""
    size = {"kind": "scale", "channels": 3, "longest_side": longest}
    size |= {"mean": [0] * 3, "std": [1] * 3}
    arguments = {"widths": WIDTHS, "skips": True}
    return cars.config(**({"arguments": arguments, "preprocessing": size} | changes))


def red_model(**changes: Any) -> zoo.Segmenter:
    """Return the stand-in, loaded, with a small working size; ``changes`` go into its config."""
    return zoo.Segmenter("carvana", config(cars.LONGEST, **changes), cars.record(), network())


def write(root: Path) -> Path:
    """Write a catalog with the real digit network and the stand-in; return its path."""
    real, bundle, path = Path(zoo.__file__).parent, root / "bundle", root / "catalog.json"
    shutil.copytree(real / "bundle" / "mnist", bundle / "mnist")
    known = json.loads((real / "catalog.json").read_text())
    path.write_text(json.dumps(known | {"models": {"mnist": known["models"]["mnist"]}}))
    state = {name: value.detach().numpy() for name, value in network().state_dict().items()}
    write_model(root / "run", state, config(threshold=THRESHOLD), record())
    export(root / "run", bundle, path)
    return path


def write_own(folder: Path, name: str, **changes: Any) -> Path:
    """Write the stand-in as a model of somebody's own; ``changes`` go into its config."""
    state = {key: value.detach().numpy() for key, value in network().state_dict().items()}
    validation = {"iou": 0.93, "dice": 0.96, "boundary_iou": 0.8, "n": 6}
    known = record() | {"model": name, "metrics": {"validation": validation}}
    write_model(folder, state, config(model=name, samples="cars", **changes), known)
    return folder


def street(width: int = 640, height: int = 400) -> Image.Image:
    """Return a gray image with a "car", red and, in its right quarter, pink."""
    pixels = np.full((height, width, 3), GRAY, np.uint8)
    left, right = width // 4, 3 * width // 4
    pixels[height // 2 : 3 * height // 4, left:right] = RED
    pixels[height // 2 : 3 * height // 4, right - width // 8 : right] = PINK
    return Image.fromarray(pixels)


def car(width: int = 640, height: int = 400, pink: bool = True) -> np.ndarray:
    """Return the mask of :func:`street`'s car, bool (height, width), with or without its pink."""
    mask = np.zeros((height, width), bool)
    right = 3 * width // 4 - (0 if pink else width // 8)
    mask[height // 2 : 3 * height // 4, width // 4 : right] = True
    return mask


def two_cars(width: int = 640, height: int = 400) -> Image.Image:
    """Return a gray image with a red "car" in its left half and a smaller one in its right."""
    pixels = np.full((height, width, 3), GRAY, np.uint8)
    pixels[height // 2 : 3 * height // 4, width // 16 : 7 * width // 16] = RED
    pixels[height // 2 : 5 * height // 8, 3 * width // 4 : 7 * width // 8] = RED
    return Image.fromarray(pixels)


def car_of_two(width: int = 640, height: int = 400) -> np.ndarray:
    """Return the mask of the larger car of :func:`two_cars`, bool (height, width)."""
    mask = np.zeros((height, width), bool)
    mask[height // 2 : 3 * height // 4, width // 16 : 7 * width // 16] = True
    return mask


if __name__ == "__main__":  # python -m tests.red_cars CATALOG run app.py …: Streamlit with it
    from streamlit.web import cli

    catalog.CATALOG_PATH = Path(sys.argv.pop(1))
    cli.main()
