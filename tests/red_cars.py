"""A stand-in for the car network, whose answers can be foretold: whatever is red is car.

It is a U-Net of the real architecture with weights set by hand, in a catalog of its own beside the
real digit network, so that the page "Cars" can be tested whatever the trained weights say.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import save_file

import zoo
from zoo import catalog
from zoo.networks.unet import UNet

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


def pictures() -> dict[str, float]:
    """Return a made-up IoU for each test picture."""
    names = [f"{car}_{angle:02d}" for car, angles in CARS.items() for angle in angles]
    return {name: 0.97 + 0.02 * abs(np.sin(7.0 * i)) for i, name in enumerate(names)}


def record() -> dict[str, Any]:
    """Return a record with all that the page tells."""
    found = pictures()
    mean = float(np.mean(list(found.values())))
    return {
        "model": "carvana",
        "command": "python -m training.carvana --data-dir DIR --out RUN_DIR",
        "git_commit": "0" * 40,
        "seed": 0,
        "hardware": {"cpu": "a made-up CPU", "cores": 2},
        "recipe": {},
        "selection": "the last epoch",
        "wall_seconds": 3600.0,
        "history": [
            {
                "epoch": epoch,
                "learning_rate": 0.01,
                "seconds": 60.0,
                "train": {"loss": 1 / epoch},
                "validation": {"iou": 1 - 0.5 / epoch, "dice": 0.9, "boundary_iou": 0.8},
            }
            for epoch in range(1, 9)
        ],
        "metrics": {
            "validation": {"iou": 0.98, "dice": 0.99, "boundary_iou": 0.9, "n": 16},
            "test": {
                "iou": mean,
                "dice": 2 * mean / (1 + mean),
                "boundary_iou": 0.9,
                "worst": min(found.values()),
                "n": len(found),
                "pictures": found,
            },
            "streets_test": {"iou": 0.8123, "dice": 0.89, "boundary_iou": 0.61, "n": 31},
        },
    }


def write(root: Path) -> Path:
    """Write a catalog with the real digit network and the stand-in; return its path."""
    folder = root / "bundle" / "carvana"
    folder.mkdir(parents=True)
    net = network()
    save_file(net.state_dict(), folder / "model.safetensors", {"architecture": "unet"})
    labels, parameters = ["car"], sum(p.numel() for p in net.parameters())
    config = {
        "format": 1,
        "model": "carvana",
        "title": "Cars",
        "task": "segmentation",
        "framework": "torch",
        "architecture": "unet",
        "arguments": {"widths": WIDTHS, "skips": True},
        "input": {"channels": 3, "longest_side": 512, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "labels": labels,
        "threshold": THRESHOLD,
        "licence": "Apache-2.0",
        "data": {"name": "Carvana", "licence": "Kaggle's rules", "source": "https://kaggle.com"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "record.json").write_text(json.dumps(record()))
    shared = ("title", "task", "framework", "architecture", "labels", "licence", "data")
    entry = {key: config[key] for key in shared} | {
        "parameters": parameters,
        "metrics": {"iou": record()["metrics"]["test"]["iou"]},
        "metrics_n": record()["metrics"]["test"]["n"],
        "files": {
            path.name: {
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in folder.iterdir()
        },
    }
    real = Path(zoo.__file__).parent
    shutil.copytree(real / "bundle" / "mnist", root / "bundle" / "mnist")
    mnist = json.loads((real / "catalog.json").read_text())["models"]["mnist"]
    whole = {"format": 1, "repo": None, "revision": None}
    path = root / "catalog.json"
    path.write_text(json.dumps(whole | {"models": {"mnist": mnist, "carvana": entry}}))
    return path


def street(width: int = 640, height: int = 400) -> Image.Image:
    """Return a gray picture with a "car", red and, in its right quarter, pink."""
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


if __name__ == "__main__":  # python -m tests.red_cars CATALOG run app.py …: Streamlit with it
    from streamlit.web import cli

    catalog.CATALOG_PATH = Path(sys.argv.pop(1))
    cli.main()
