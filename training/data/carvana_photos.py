"""Carvana: photos of cars in a studio, each with the mask of its car; from Kaggle or Parquet."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.data.augment_images import normalize as normalize_images
from training.engine.failures import TrainingError, reason
from zoo.errors import ImageError
from zoo.preprocessing.images import open_image
from zoo.segmentation import masks

# Working size: the longest side. A photo of 1918 × 1280 pixels becomes one of 512 × 342.
WIDTH, HEIGHT = 512, 342
# Of ImageNet's images, scaled to [0, 1]: the studio's own would not fit other places.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# ValidationSet out in every layout, so that a model measured on one has not learned them from
# another.
TEST_CARS = ("02159e548029", "04bd942b463b", "1ae8a68a40e4", "2ea62c1beee7")
MOST_VALIDATION_CARS = 16

DESCRIPTION = {
    "name": "Carvana",
    "reader": "carvana_photos",
    "source": "https://www.kaggle.com/c/carvana-image-masking-challenge",
    "license": "the rules of the Kaggle competition; the photos belong to Carvana",
    "citation": "Carvana Image Masking Challenge, Kaggle, 2017.",
}


@dataclass(frozen=True)
class ImageMaskPair:
    """A photo and its mask, as encoded files.

    Attributes:
        name: such as ``00087a6bd4dc_01``: car and angle.
        image: bytes of a JPEG or PNG.
        mask: bytes of a GIF or PNG; white marks the car, or whatever of two values is not 0.
    """

    name: str
    image: bytes
    mask: bytes

    @property
    def car(self) -> str:
        """The car's number: all views of one car share it."""
        return self.name.split("_")[0]

    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the photo, uint8 (H, W, 3), and its mask, bool (H, W).

        Raises:
            TrainingError: if a file is damaged or the two sizes differ; it names the pair.
        """
        try:
            image = np.asarray(open_image(self.image, share=True))
        except ImageError as error:
            raise TrainingError(f"the photo {self.name} cannot be read ({_said(error)})") from None
        try:
            mask = masks.read(self.mask)
        except ImageError as error:
            raise TrainingError(
                f"the mask of {self.name} cannot be read ({_said(error)})"
            ) from None
        if image.shape[:2] != mask.shape:
            sizes = " and the mask ".join(f"{a.shape[1]} × {a.shape[0]}" for a in (image, mask))
            raise TrainingError(f"the photo {self.name} has {sizes} pixels")
        return image, mask


def load(data_dir: Path, split: str, full_size: bool = False) -> tuple[ImageMaskPair, ...]:
    """Read one split, sorted by name; every file is decoded once, to be sure that it can be.

    The split is by car: all views of a car are on the same side. The four test cars are the same
    in every layout; the validation cars are a sixth of the others (at most 16), in the order of
    their numbers' SHA-256, whatever the run's seed.

    Args:
        data_dir: holds ``carvana/train/*.jpg`` and ``carvana/train_masks/*_mask.gif``, as Kaggle
            packs them, or ``carvana/*.parquet`` with the columns ``name``, ``image``, ``mask``
            (structs with ``bytes``), of one size or of several.
        split: ``"train"``, ``"validation"``, ``"all"`` (both) or ``"test"``.
        full_size: keep the original size, and only photos that are there in it; otherwise photos
            larger than 512 pixels are scaled to that.

    Raises:
        TrainingError: if there is nothing, or files are missing or damaged; it names them.
    """
    if split not in ("train", "validation", "all", "test"):
        raise TrainingError(f"The splits are train, validation, all and test, not {split!r}.")
    pairs = _read(data_dir, full_size)
    train, validation, test = split_cars({pair.car for pair in pairs})
    cars = {"train": train, "validation": validation, "all": train | validation, "test": test}
    chosen = tuple(pair for pair in pairs if pair.car in cars[split])
    if not chosen:
        raise TrainingError(f"{data_dir / 'carvana'} has no photo in the {split} split.")
    return chosen


def split_cars(cars: Iterable[str]) -> tuple[set[str], set[str], set[str]]:
    """Return the cars of the train, the validation and the test split."""
    ordered = sorted(set(cars), key=lambda car: hashlib.sha256(car.encode()).hexdigest())
    test = [car for car in ordered if car in TEST_CARS]
    if not test:  # photos of other cars altogether
        test = ordered[: len(ordered) // 6]
    rest = [car for car in ordered if car not in test]
    held_out = min(max(len(rest) // 6, 1), MOST_VALIDATION_CARS) if len(rest) > 1 else 0
    return set(rest[held_out:]), set(rest[:held_out]), set(test)


def normalize(images: Tensor) -> Tensor:
    """Return images (N, H, W, 3), uint8, as the network's input: float32 (N, 3, H, W)."""
    return normalize_images(images, MEAN, STD)


def how_to_get(data_dir: Path) -> str:
    """Say where the data is: Kaggle lets no program fetch it without an account."""
    return (
        f"Fetch train.zip and train_masks.zip from {DESCRIPTION['source']}/data, whose rules must "
        f"be accepted there, and unpack both in {data_dir / 'carvana'}."
    )


@lru_cache(maxsize=2)  # train and validation come from the same files
def _read(data_dir: Path, full_size: bool) -> tuple[ImageMaskPair, ...]:
    folder = data_dir / "carvana"
    if (folder / "train").is_dir():
        pairs = _read_kaggle(folder / "train", folder / "train_masks")
    elif files := sorted(folder.glob("*.parquet")):
        pairs = _read_parquet(files, full_size)
    else:
        raise TrainingError(
            f"There is no Carvana in {data_dir} (looked for carvana/train/ and carvana/*.parquet). "
            + how_to_get(data_dir)
        )
    return tuple(sorted(check(pairs, full_size, folder), key=lambda pair: pair.name))


def _read_kaggle(images: Path, drawings: Path) -> list[ImageMaskPair]:
    photos = {path.stem: path for path in images.glob("*.jpg")}
    drawn = {path.name.removesuffix("_mask.gif"): path for path in drawings.glob("*_mask.gif")}
    if alone := sorted(photos.keys() ^ drawn.keys()):
        missing = [f"{name} has no {'mask' if name in photos else 'photo'}" for name in alone]
        raise TrainingError(
            f"{images.parent}: {_some(missing)}; unpack train.zip and train_masks.zip again."
        )
    return [
        ImageMaskPair(name, photos[name].read_bytes(), drawn[name].read_bytes()) for name in photos
    ]


def _read_parquet(files: list[Path], full_size: bool) -> list[ImageMaskPair]:
    """Read the files of the wanted size: the largest, or the smallest that is large enough."""
    by_size: dict[int, list[ImageMaskPair]] = {}
    for file in files:
        pairs = read_pairs(file)
        try:
            size = max(open_image(pairs[0].image, share=True).size) if pairs else 0
        except ImageError as error:
            raise TrainingError(
                f"{file}: the photo {pairs[0].name} cannot be read ({_said(error)}); "
                "fetch it again."
            ) from None
        by_size.setdefault(size, []).extend(pairs)
    enough = [size for size in by_size if size >= WIDTH]
    chosen = max(by_size) if full_size or not enough else min(enough)
    return by_size[chosen]


def read_pairs(file: Path) -> list[ImageMaskPair]:
    """Read the columns ``name``, ``image`` and ``mask`` of a Parquet file.

    Raises:
        TrainingError: if it is damaged or lacks one of them.
    """
    from pyarrow import parquet

    try:
        table = parquet.read_table(file, columns=["name", "image", "mask"])
        columns = [table[name].to_pylist() for name in ("name", "image", "mask")]
        return [ImageMaskPair(n, i["bytes"], m["bytes"]) for n, i, m in zip(*columns, strict=True)]
    except Exception as error:  # pyarrow has its own, and damaged columns raise others
        raise TrainingError(f"{file} cannot be read ({reason(error)}); fetch it again.") from None


def check(pairs: Sequence[ImageMaskPair], full_size: bool, folder: Path) -> list[ImageMaskPair]:
    """Decode every pair, bring it to the working size, and report all damage at once."""

    def prepare(pair: ImageMaskPair) -> ImageMaskPair | str:
        try:
            image, mask = pair.read()
        except TrainingError as error:
            return str(error)
        return pair if full_size or max(mask.shape) <= WIDTH else _shrink(pair.name, image, mask)

    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        results = list(pool.map(prepare, pairs))
    if damaged := [result for result in results if isinstance(result, str)]:
        raise TrainingError(f"{folder}: {_some(damaged)}; fetch them again.")
    return [result for result in results if isinstance(result, ImageMaskPair)]


def _shrink(name: str, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> ImageMaskPair:
    """Scale to the working size: the photo by Lanczos, the mask by area, with threshold ½."""
    height, width = mask.shape
    scale = WIDTH / max(height, width)
    size = (round(width * scale), round(height * scale))
    photo, drawn = io.BytesIO(), io.BytesIO()
    scaled = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    scaled.save(photo, "JPEG", quality=95, subsampling="4:4:4")
    shares = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    shares.point(lambda value: 255 * (value > 127)).convert("1").save(drawn, "PNG")
    return ImageMaskPair(name, photo.getvalue(), drawn.getvalue())


def _said(error: ImageError) -> str:
    return str(error).rstrip(".")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more
