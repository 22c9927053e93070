"""A made-up CIFAR-10 of a few hundred images, and a recipe that learns it in seconds."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.cifar10.cifar10_settings import Cifar10Recipe
from training.data.augment_images import ImageAugmentation
from training.data.cifar_images import LabelledImages
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes

CPU = ComputeConfig(Processes(0, 1, torch.device("cpu")))
TINY = replace(
    Cifar10Recipe(),
    epochs=3,
    batch=40,
    widths=(8, 16, 16),
    proxy_widths=(4, 8, 8),
    whiten_epochs=1,
    augmentation=ImageAugmentation(translate=2, cutout=6),
)


def make_images(count: int, seed: int = 0) -> LabelledImages:
    """Return noise with a bright bar, whose height and colour tell the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.integers(0, 100, (count, 32, 32, 3), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[3 * label : 3 * label + 4, :, label % 3] = 255
    return LabelledImages(images, labels.astype(np.int64))


def write_batches(folder: Path, training: LabelledImages, test: LabelledImages) -> None:
    """Write the original layout: five training batches and a test batch, pickled."""
    folder.mkdir(parents=True)
    share = len(training) // 5
    parts = {f"data_batch_{i + 1}": training[i * share : (i + 1) * share] for i in range(5)}
    for name, part in (parts | {"test_batch": test}).items():
        rows = part.images.transpose(0, 3, 1, 2).reshape(len(part), -1)
        batch = {b"data": np.ascontiguousarray(rows), b"labels": part.labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def write_parquet(folder: Path, training: LabelledImages, test: LabelledImages) -> None:
    """Write the Hub's layout: PNGs and labels, the training set in two files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    half = len(training) // 2
    for name, part in {
        "train-00000-of-00002": training[:half],
        "train-00001-of-00002": training[half:],
        "test-00000-of-00001": test,
    }.items():
        rows = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(part.images)]
        table = pa.table({"img": rows, "label": part.labels})
        pq.write_table(table, folder / f"{name}.parquet")


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
