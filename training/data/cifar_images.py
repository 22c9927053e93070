"""CIFAR-10: Krizhevsky's 60,000 images of ten kinds of things, from batches or from Parquet."""

from __future__ import annotations

import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.engine.failures import TrainingError, reason

LABELS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
# Mean and standard deviation of the 50,000 training images' pixels, scaled to [0, 1].
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
SIZE = 32
TRAINING, VALIDATION = 50_000, 5_000
SPLIT_SEED = 2026

DESCRIPTION = {
    "name": "CIFAR-10",
    "reader": "cifar_images",
    "source": "https://www.cs.toronto.edu/~kriz/cifar.html",
    "license": "none stated; its author asks to be cited",
    "citation": "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.",
}


@dataclass(frozen=True)
class LabelledImages:
    """Images, uint8 (N, 32, 32, 3), RGB; and labels, int64 (N,), 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: slice | NDArray[np.int64]) -> LabelledImages:
        return LabelledImages(self.images[chosen], self.labels[chosen])


def load(data_dir: Path, split: str, download: bool = False) -> LabelledImages:
    """Read one split.

    Args:
        data_dir: holds ``[cifar10/]cifar-10-batches-py/`` (the original "python version") or
            Parquet as on the Hub: ``cifar10/[plain_text/]{train,test}-*.parquet``.
        split: ``"train"`` (45,000), ``"validation"`` (5,000 of the original training set, the same
            ones whatever the run's seed), ``"all"`` (both, 50,000) or ``"test"`` (10,000).
        download: fetch the original archive into ``data_dir`` if nothing is there.

    Raises:
        TrainingError: if the files are missing or damaged.
    """
    if split not in ("train", "validation", "all", "test"):
        raise TrainingError(f"The splits are train, validation, all and test, not {split!r}.")
    examples = _read(data_dir, "test" if split == "test" else "train", download)
    if split in ("all", "test"):
        return examples
    order = np.random.default_rng(SPLIT_SEED).permutation(len(examples))
    # A tenth, so that a made-up small data set splits in the same proportion.
    held_out = VALIDATION if len(examples) == TRAINING else len(examples) // 10
    return examples[np.sort(order[:held_out] if split == "validation" else order[held_out:])]


@lru_cache(maxsize=1)  # train and validation come from the same files
def _read(data_dir: Path, part: str, download: bool) -> LabelledImages:
    for folder in (data_dir / "cifar-10-batches-py", data_dir / "cifar10" / "cifar-10-batches-py"):
        if folder.is_dir():
            try:
                return _read_batches(folder, part)
            except TrainingError:
                if not download:
                    raise
            return _download(folder.parent, part)  # one that was stopped, or damaged
    for folder in (data_dir / "cifar10", data_dir / "cifar10" / "plain_text"):
        if files := sorted(folder.glob(f"{part}-*.parquet")):
            return _read_parquet(files)
    if not download:
        raise TrainingError(
            f"There is no CIFAR-10 in {data_dir} (looked for cifar-10-batches-py/ and "
            "cifar10/*.parquet); add --download to fetch it there."
        )
    return _download(data_dir, part)


def _download(data_dir: Path, part: str) -> LabelledImages:
    """Fetch and unpack the original archive, unless it is there already, whole; read a part."""
    # torchvision's CIFAR10 class would unpickle the files; only its address and MD5 are used.
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_and_extract_archive

    try:
        download_and_extract_archive(
            CIFAR10.url, str(data_dir), filename=CIFAR10.filename, md5=CIFAR10.tgz_md5
        )
    except Exception as error:  # its server and the archive may fail in many ways
        raise TrainingError(
            f"CIFAR-10 could not be downloaded ({reason(error)}); try again later."
        ) from None
    return _read_batches(data_dir / "cifar-10-batches-py", part)


def _read_parquet(files: list[Path]) -> LabelledImages:
    """Read the Hub's columns: ``img`` (a struct with the bytes of a PNG) and ``label``."""
    from pyarrow import parquet

    contents: list[bytes] = []
    labels: list[int] = []
    for file in files:
        try:
            table = parquet.read_table(file)
            column = "img" if "img" in table.column_names else "image"
            contents += [row["bytes"] for row in table[column].to_pylist()]
            labels += table["label"].to_pylist()
        except Exception as error:  # pyarrow has its own, and damaged columns raise others
            raise TrainingError(_damaged(file, error)) from None
    try:
        with ThreadPoolExecutor(4) as pool:  # decoding releases the interpreter's lock
            images = np.stack(list(pool.map(_decode, contents)))
        return _checked(images, labels)
    except Exception as error:  # Pillow's plug-ins raise nearly anything
        raise TrainingError(_damaged(files[0].parent, error)) from None


def _decode(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        if image.size != (SIZE, SIZE):
            raise ValueError(f"an image of {image.size[0]} × {image.size[1]} pixels")
        return np.asarray(image.convert("RGB"))


def _read_batches(folder: Path, part: str) -> LabelledImages:
    """Read the original files, each a pickled dictionary with ``data`` and ``labels``."""
    names = ["test_batch"] if part == "test" else [f"data_batch_{i}" for i in range(1, 6)]
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for name in names:
        file = folder / name
        try:
            with file.open("rb") as stream:
                batch = _BatchUnpickler(stream, encoding="bytes").load()
            images.append(batch[b"data"].pixels())
            labels += batch[b"labels"]
        except FileNotFoundError:
            raise TrainingError(
                f"{file} is missing; add --download to fetch CIFAR-10 again."
            ) from None
        except Exception as error:  # a damaged pickle can raise nearly anything
            raise TrainingError(_damaged(file, error)) from None
    try:
        return _checked(np.concatenate(images), labels)
    except (ValueError, TypeError) as error:
        raise TrainingError(_damaged(folder, error)) from None


def _checked(images: NDArray[np.uint8], labels: list[int]) -> LabelledImages:
    array = np.array(labels, dtype=np.int64)
    if len(array) != len(images) or not len(array):
        raise ValueError(f"{len(images)} images, {len(array)} labels")
    if array.min() < 0 or array.max() >= len(LABELS):
        raise ValueError("a label outside 0 to 9")
    return LabelledImages(np.ascontiguousarray(images), array)


def _damaged(path: Path, error: Exception) -> str:
    return f"{path} cannot be read ({reason(error)}); delete it and fetch it again."


class _PixelArray:
    """Stands in for the NumPy array in a pickle: takes its state, and trusts nothing in it."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, _, self.fortran_order, self.content = state

    def pixels(self) -> NDArray[np.uint8]:
        """Return the images, (N, 32, 32, 3): the file holds rows of 3 × 32 × 32 bytes."""
        if self.fortran_order or not isinstance(self.content, bytes):
            raise ValueError("not an array of bytes")
        rows = np.frombuffer(self.content, np.uint8).reshape(self.shape)
        return rows.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)


class _Ignored:
    """Stands in for the array's dtype, which is known: its description is dropped."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _BatchUnpickler(pickle.Unpickler):
    """Reads the batches without running what a pickle asks for.

    A pickle may name any function and have it called. Here the four names that these files hold
    stand for harmless classes of this module, and every other name is refused.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        }:
            return lambda *_: _PixelArray()
        if module == "numpy" and name in ("ndarray", "dtype"):
            return _Ignored
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 writes bytes in Python 3
            return lambda text, _: text.encode("latin1") if isinstance(text, str) else text
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR-10 file needs")
