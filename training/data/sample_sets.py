"""Write ``zoo/samples/sets``: a few hundred labelled images of a data set, as one PNG mosaic.

    python -m training.data.sample_sets --data-dir DIR

512 CIFAR-10 test images, for what the app measures live on the trained network, and 2,400 MNIST
training digits, for the race that it trains live. Each class gets the same share, to within one
image; which ones is drawn with a fixed seed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data import cifar_images, mnist_digits
from training.engine.failures import run_command
from training.engine.json_files import write_json
from zoo.command_parser import CommandParser
from zoo.samples.sets import FOLDER
from zoo.weights.atomic_files import write_bytes

SEED = 2026
COLUMNS = 32
CIFAR10_COUNT, MNIST_COUNT = 512, 2400


def choose(labels: NDArray, count: int, classes: int = 10) -> NDArray[np.int64]:
    """Draw indices in random order, every class equally often, to within one."""
    order = np.random.default_rng(SEED).permutation(len(labels))
    by_class = [order[labels[order] == k] for k in range(classes)]
    rounds = [group[number] for number in range(-(-count // classes)) for group in by_class]
    return np.random.default_rng((SEED, 1)).permutation(np.array(rounds[:count], np.int64))


def mosaic(images: NDArray[np.uint8]) -> bytes:
    """Return images (N, H, W[, 3]) side by side as a PNG; missing ones in the last row black."""
    size = images.shape[1]
    rows = -(-len(images) // COLUMNS)
    sheet = np.zeros((rows * size, COLUMNS * size, *images.shape[3:]), np.uint8)
    for number, image in enumerate(images):
        top, left = number // COLUMNS * size, number % COLUMNS * size
        sheet[top : top + size, left : left + size] = image
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    return file.getvalue()


def write(
    name: str, images: NDArray[np.uint8], labels: NDArray, folder: Path, **facts: Any
) -> Path:
    """Write one set; return the path of its mosaic."""
    path = folder / f"{name}.png"
    write_bytes(path, mosaic(images))
    digits = "".join(str(label) for label in labels)  # ten classes: one character a label
    table = facts | {"size": images.shape[1], "count": len(labels), "labels": digits}
    write_json(folder / f"{name}.json", table)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both sets."""
    parser = CommandParser(
        prog="python -m training.data.sample_sets",
        description="Write the sets of small images that the app measures and trains on.",
    )
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default zoo/samples/sets")
    options = parser.parse_args(arguments)
    test = cifar_images.load(options.data_dir, "test")
    chosen = choose(test.labels, min(CIFAR10_COUNT, len(test)))
    about = cifar_images.DESCRIPTION
    print(
        write(
            "cifar10", test.images[chosen], test.labels[chosen], options.folder,
            names=list(cifar_images.LABELS), split="test", indices=chosen.tolist(),
            credit=f"{about['name']}, Alex Krizhevsky 2009, {about['source']}; "
            f"license: {about['license']}",
        )
    )  # fmt: skip
    digits = mnist_digits.load(options.data_dir, "train")
    chosen = choose(digits.labels, min(MNIST_COUNT, len(digits)))
    about = mnist_digits.DESCRIPTION
    print(
        write(
            "mnist", digits.images[chosen], digits.labels[chosen], options.folder,
            names=[str(digit) for digit in range(10)], split="train",
            credit=f"{about['name']}, Yann LeCun and Corinna Cortes, {about['license']}, "
            f"{about['source']}",
        )
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    run_command(main)
