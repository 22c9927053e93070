"""What does a DataLoader do for the time of a training step?

    python -m training.experiments.classification.data_loader --data-dir DIR

Images a second of a ``torch.utils.data.DataLoader`` alone, and of a training that eats from it:
workers, batch, augmentation (light: flip and shift; heavy: rotation, colour and blur with Pillow as
well), images in memory or PNG files decoded from disk. All combinations take turns, on an idle
machine.

Rows, one a combination and round:

- ``source``: "memory" or "disk"; ``augmentation``: "light" or "heavy"; ``batch``; ``workers``.
- ``round``: 0, 1, 2.
- ``loader_images_per_second``: without a network.
- ``step_ms``: a training step with loading, per batch; ``compute_ms``: the same step on a batch
  that lies ready. Loading is hidden as far as the two are equal.
- ``first_batch_ms``: until the first batch is there: what starting the workers costs.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from training.data import cifar_images
from training.data.augment_images import normalize
from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.classification.quick_training import QuickRecipe, make_network

NAME = "data_loader"
QUESTION = "What does a DataLoader do for the time of a training step?"
SOURCES, AUGMENTATIONS, BATCHES, WORKERS = (
    ("memory", "disk"), ("light", "heavy"), (64, 256), (0, 1, 2),
)  # fmt: skip
IMAGES, ROUNDS = 768, 3
Pixels = NDArray[np.uint8]


class LoadedImages(Dataset[tuple[Tensor, int]]):
    """Images of CIFAR-10, one at a time: read, changed, normalized.

    Args:
        images: what is in memory.
        folder: holds the same as PNG files, if they are to be read from disk.
        heavy: whether an image is turned, coloured and blurred as well.
    """

    def __init__(self, images: LabelledImages, folder: Path | None, heavy: bool) -> None:
        self.images, self.folder, self.heavy = images, folder, heavy

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = self.images.images[index]
        if self.folder is not None:
            with Image.open(self.folder / f"{index}.png") as file:
                pixels = np.asarray(file.convert("RGB"))
        pixels = light(heavily(pixels) if self.heavy else pixels)
        changed = torch.from_numpy(np.ascontiguousarray(pixels))[None]
        return normalize(changed)[0], int(self.images.labels[index])


def light(pixels: Pixels) -> Pixels:
    """Mirror or not, and shift by up to 2 pixels."""
    down, right = (int(n) for n in torch.randint(-2, 3, (2,)))
    padded = np.pad(pixels, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    shown = padded[2 + down : 34 + down, 2 + right : 34 + right]
    return shown[:, ::-1] if torch.rand(()) < 0.5 else shown


def heavily(pixels: Pixels) -> Pixels:
    """Turn, change brightness, contrast and colour, and blur, with Pillow."""
    image = Image.fromarray(pixels)
    turn, *strengths = (torch.rand(4) * 2 - 1).tolist()
    image = image.rotate(15 * turn, Image.Resampling.BICUBIC)
    for change, strength in zip(
        (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color), strengths, strict=True
    ):
        image = change(image).enhance(1 + 0.4 * strength)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.5)))


def write_files(images: LabelledImages, folder: Path) -> None:
    """Write the images as PNG files."""
    for number, pixels in enumerate(images.images):
        Image.fromarray(pixels).save(folder / f"{number}.png")


class Trainee:
    """A small network that takes training steps."""

    def __init__(self, images: LabelledImages) -> None:
        recipe = QuickRecipe(0.01, 1, norm="batch")
        self.network = make_network(recipe, 0, torch.from_numpy(images.images)).train()
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9)

    def step(self, inputs: Tensor, labels: Tensor) -> None:
        """Take one step."""
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(inputs)
        self.optimizer.zero_grad()
        functional.cross_entropy(logits.float(), labels).backward()
        self.optimizer.step()


def batches(dataset: LoadedImages, batch: int, workers: int) -> Iterator[list[Tensor]]:
    """Yield an epoch's batches from a DataLoader."""
    return iter(DataLoader(dataset, batch, shuffle=True, num_workers=workers, drop_last=True))


def measure(dataset: LoadedImages, batch: int, workers: int, trainee: Trainee) -> dict[str, float]:
    """Time one combination once."""
    clock: Callable[[], float] = time.perf_counter
    start = clock()
    made = batches(dataset, batch, workers)
    next(made)
    first = clock() - start
    count = 1 + sum(1 for _ in made)
    alone = clock() - start
    start = clock()
    trained = 0
    for inputs, labels in batches(dataset, batch, workers):
        trainee.step(inputs, labels)
        trained += 1
    together = clock() - start
    start = clock()
    for _ in range(trained):
        trainee.step(inputs, labels)
    computed = clock() - start
    return {
        "loader_images_per_second": count * batch / alone,
        "step_ms": 1000 * together / trained,
        "compute_ms": 1000 * computed / trained,
        "first_batch_ms": 1000 * first,
    }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def of(column: str, **where: Any) -> float:
        return median(
            row[column] for row in rows if all(row[name] == value for name, value in where.items())
        )

    batch = max(row["batch"] for row in rows)
    workers = sorted({row["workers"] for row in rows})
    easy = {"source": "memory", "augmentation": "light", "batch": batch}
    hard = {"source": "disk", "augmentation": "heavy", "batch": batch}

    def told(where: Mapping[str, Any]) -> str:
        return ", ".join(f"{of('step_ms', **where, workers=w):.0f} ms with {w}" for w in workers)

    return (
        f"A step on {batch} images from memory, lightly changed, takes {told(easy)} workers; from "
        f"disk and heavily changed {told(hard)}; the same step on a batch that lies ready takes "
        f"{of('compute_ms', **easy):.0f} ms. Starting the workers costs "
        f"{of('first_batch_ms', **easy, workers=workers[-1]):.0f} ms before the first batch."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "pillow", "torch"))
    quick = options.quick
    images = cifar_images.load(options.data_dir, "train")[: 32 if quick else IMAGES]
    sizes, numbers = ((8,), (0, 1)) if quick else (BATCHES, WORKERS)
    rows, trainee = [], Trainee(images)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_files(images, folder)
        for number in range(1 if quick else ROUNDS):
            for source, augmentation, batch, workers in itertools.product(
                SOURCES, AUGMENTATIONS, sizes, numbers
            ):
                dataset = LoadedImages(
                    images, folder if source == "disk" else None, augmentation == "heavy"
                )
                case = {"source": source, "augmentation": augmentation, "batch": batch}
                case |= {"workers": workers, "round": number}
                rows.append(case | measure(dataset, batch, workers, trainee))
    return study.conclude(
        rows,
        finding(rows),
        [0],
        threads=torch.get_num_threads(),
        limits="two cores, where workers take cores from the training, and small images; files lie "
        "in the system's cache after their first reading; a round stands where others have a seed.",
        measured_on=f"CIFAR-10, {len(images):,} training images",
        quick=quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
