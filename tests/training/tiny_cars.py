"""Made-up car photos: a coloured box on a gray floor, in Kaggle's layout and as Parquet."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.carvana.carvana_settings import CarvanaRecipe
from training.data.cars.augment_cars import CarAugmentation
from training.data.cars.photometric_jitter import PhotometricJitter
from training.data.carvana_photos import ImageMaskPair
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes

CPU = ComputeConfig(Processes(0, 1, torch.device("cpu")))
PLAIN = PhotometricJitter(0, 0, 0, 0, gray=0, hue=0, blur=0, noise=0, jpeg=0)
TINY = CarvanaRecipe(
    epochs=2, images=8, batch=4, widths=(6, 8), low_res_augmentation=CarAugmentation(24, 32),
    augmentation=CarAugmentation(height=32, width=48), muon_lr=0.0, context=0, square=0,
    averaging=0.0,
)  # fmt: skip


def encode(array: np.ndarray, kind: str) -> bytes:
    """Return an array, uint8 or bool, as a file."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


def draw(seed: int, width: int = 48, height: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo, uint8 (height, width, 3), and its mask, bool (height, width)."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 170, np.uint8)
    image += rng.integers(0, 30, image.shape, dtype=np.uint8)
    mask = np.zeros((height, width), bool)
    top, left = rng.integers(4, height // 3), rng.integers(4, width // 3)
    mask[top : top + height // 2, left : left + width // 2] = True
    image[mask] = rng.integers(0, 110, 3)
    return image, mask


def pair(car: str, angle: int = 1, seed: int = 0, **size: int) -> ImageMaskPair:
    """Return a photo with its mask, as PNG."""
    image, mask = draw(seed, **size)
    return ImageMaskPair(f"{car}_{angle:02d}", encode(image, "PNG"), encode(mask, "PNG"))


def write_kaggle(folder: Path, pairs: list[ImageMaskPair]) -> None:
    """Write photos as Kaggle packs them: JPEG and GIF."""
    for name in ("train", "train_masks"):
        (folder / "carvana" / name).mkdir(parents=True, exist_ok=True)
    for one in pairs:
        image, mask = one.read()
        photo = folder / "carvana" / "train" / f"{one.name}.jpg"
        Image.fromarray(image).save(photo, quality=95, subsampling="4:4:4")
        drawn = folder / "carvana" / "train_masks" / f"{one.name}_mask.gif"
        Image.fromarray(mask.astype(np.uint8) * 255).save(drawn)


def write_parquet(file: Path, pairs: list[ImageMaskPair]) -> None:
    """Write the same as one Parquet file."""
    import pyarrow
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"name": p.name, "image": {"bytes": p.image}, "mask": {"bytes": p.mask}} for p in pairs]
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
