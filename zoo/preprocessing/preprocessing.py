"""A model's own preprocessing, typed: from an image to the network's input, as in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zoo.preprocessing import images

KINDS = ("crop", "scale", "mnist_digit")
PHOTO_SHAPE = 1918 / 1280  # width / height of a photo; these are Carvana's


@dataclass(frozen=True)
class Preprocessing:
    """What ``config.json`` says under ``"preprocessing"``.

    Attributes:
        kind: ``"crop"`` cuts the centre to the network's shape and resizes it (Lanczos).
            ``"scale"`` keeps the image's shape and scales its longest side. ``"mnist_digit"``
            draws a digit again in MNIST's form; see :mod:`zoo.preprocessing.mnist_format`.
        channels: 1 for gray images, 3 for RGB.
        mean: One value a channel, of images scaled to [0, 1]; subtracted.
        std: One value a channel; what is left is divided by it.
        height: Of the network's input in pixels; 0 with ``"scale"``.
        width: Likewise.
        longest_side: With ``"scale"``, in pixels; else 0.
    """

    kind: str
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    height: int = 0
    width: int = 0
    longest_side: int = 0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Preprocessing:
        """Read it from a parsed ``config.json`` (format 2)."""
        found = config["preprocessing"]
        mean, std = (tuple(map(float, found[key])) for key in ("mean", "std"))
        sides = {key: found[key] for key in ("height", "width", "longest_side") if key in found}
        return cls(found["kind"], found["channels"], mean, std, **sides)

    def to_config(self) -> dict[str, Any]:
        """Return what ``config.json`` holds."""
        found: dict[str, Any] = {"kind": self.kind, "channels": self.channels}
        if self.kind == "scale":
            found["longest_side"] = self.longest_side
        else:
            found |= {"height": self.height, "width": self.width}
        return found | {"mean": list(self.mean), "std": list(self.std)}

    @property
    def fixed_size(self) -> bool:
        """Whether every input has the same height and width."""
        return self.kind != "scale"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an input; for a network of any size that of a photo."""
        if self.fixed_size:
            return self.channels, self.height, self.width
        return self.channels, round(self.longest_side / PHOTO_SHAPE), self.longest_side

    def resize(self, image: Image.Image) -> Image.Image:
        """Bring an opened image to the network's size."""
        if self.fixed_size:
            return images.fit(image, self.height, self.width)
        return images.scale(image, self.longest_side)

    def image(self, source: images.ImageSource) -> np.ndarray:
        """Return the image that the network sees, before its values are normalized.

        Args:
            source: A path, bytes, a ``PIL.Image`` or a uint8 array; see
                :mod:`zoo.preprocessing.images`.

        Returns:
            uint8 array (H, W) or (H, W, 3).

        Raises:
            ImageError: The image cannot be used; the message says why.
        """
        if self.kind == "mnist_digit":
            from zoo.preprocessing.mnist_format import prepare

            return prepare(source)
        opened = images.open_image(source, "L" if self.channels == 1 else "RGB", share=True)
        return np.asarray(self.resize(opened))

    def normalize(self, image: Image.Image | np.ndarray) -> np.ndarray:
        """Return (image / 255 − mean) / std, float32 (C, H, W), of a uint8 image."""
        return images.normalize(image, self.mean, self.std)

    def normalize_batch(self, batch: Iterable[np.ndarray]) -> np.ndarray:
        """Return float32 (N, C, H, W) of uint8 images (N, H, W) or (N, H, W, C)."""
        return np.stack([self.normalize(image) for image in batch])

    def constant(self, values: float | np.ndarray) -> np.ndarray:
        """Return a brightness in [0, 1], one or one a channel, as inputs have it: (C, 1, 1)."""
        mean, std = (np.asarray(v, np.float32) for v in (self.mean, self.std))
        return ((np.asarray(values, np.float32) - mean) / std)[:, None, None]

    def __call__(self, source: images.ImageSource) -> np.ndarray:
        """Return the network's input, float32 (C, H, W); arguments and errors of `image`."""
        return self.normalize(self.image(source))
