"""A scene: a photo and what a segmentation network found in it, as a page keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

import zoo
from pages.components.mask_viewer import mask_viewer
from pages.images import encoding, shared_images
from zoo.preprocessing import images
from zoo.segmentation import mask_edits, mask_refinement, masks

# A photo of more pixels is looked at reduced to a longest side, which is still four times what the
# screen shows; what is downloaded is made at its own size.
LARGE, REDUCED = 16_000_000, 4096


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo that the network has looked at.

    What is shown is kept at the size of the screen, and what is downloaded is made at the photo's
    own size when somebody asks for it: the probabilities of a phone's photo take 48 MB, the file
    3 MB, and a class of visitors shares the memory.

    Attributes:
        name: The photo's file name.
        network: The name of the network that looked.
        encoded: The photo's file.
        size: (width, height) of the photo.
        shown: The photo as the screen shows it, RGB, at most ``stage.SIDE`` pixels wide and high.
        result: The network's answer, its probabilities at the size of ``shown``.
        photo: Address of ``shown``.
        probabilities: Address of the probability map, as the network gave it.
        edits: What somebody changed in it; ``result`` and ``full`` have it, ``probabilities`` not.
    """

    name: str
    network: str
    encoded: bytes = field(repr=False)
    size: tuple[int, int]
    shown: Image.Image = field(repr=False)
    result: zoo.Segmentation
    photo: str = field(repr=False)
    probabilities: str = field(repr=False)
    edits: tuple[mask_edits.Edit, ...] = ()

    def edited(self, edits: tuple[mask_edits.Edit, ...]) -> Scene:
        """Return the scene with somebody's changes of the mask, at any size."""
        changed = mask_edits.apply(self.result.probabilities, edits)
        return replace(self, result=replace(self.result, probabilities=changed), edits=edits)

    def largest_component(self) -> Scene:
        """Return the scene with the largest piece of what was found, and no other."""
        result = self.result.largest_component()
        return replace(self, result=result, probabilities=mask_viewer.gray(result.probabilities))

    def original(self) -> Image.Image:
        """Return the photo at its own size, RGB."""
        return zoo.open_image(self.encoded)

    def is_large(self) -> bool:
        """Return whether an answer at the photo's own size is too large to be kept."""
        return self.size[0] * self.size[1] > LARGE

    def full(self) -> zoo.Segmentation:
        """Return the answer at the photo's own size; the network does not run again."""
        if self.shown.size == self.size:
            return self.result
        result = self.result
        enlarged = mask_refinement.enlarge(
            result.low_res_probabilities, self.original(), result.threshold
        )
        own = enlarged is not result.low_res_probabilities  # that one is everybody's
        changed = mask_edits.apply(enlarged, self.edits, out=enlarged if own else None)
        return replace(result, probabilities=changed)

    def area(self, threshold: float) -> float:
        """Return the share of the photo that is car at a threshold, in [0, 1]."""
        return masks.area_fraction(self.result.mask_at(threshold))

    def found(self, threshold: float) -> bool:
        """Return whether there is a car at a threshold; changed by hand, by its area alone."""
        if self.edits:
            return self.area(threshold) >= self.result.min_area
        return self.result.found_at(threshold)

    def uncertain(self) -> float:
        """Return the share of the photo where the network is unsure, in [0, 1]."""
        return masks.area_fraction(masks.uncertain(self.result.probabilities))


def look(model: zoo.Segmenter, encoded: bytes, name: str, shared: bool = False) -> Scene:
    """Let the network look at a photo.

    Args:
        model: The network.
        encoded: The photo's file.
        name: Its name.
        shared: Whether every visitor may see it: its images get addresses of their own.

    Raises:
        ImageError: It is no image that can be used; the message says why.
    """
    photo = zoo.open_image(encoded)
    whole = photo.size
    size = mask_viewer.fit(whole)
    shown = photo if size == whole else photo.resize(size, Image.Resampling.LANCZOS)
    if whole[0] * whole[1] > LARGE:  # 256 MB at 64 megapixels, and the answer would be as large
        photo = images.scale(photo, REDUCED)
    result = model.predict(photo)
    del photo
    small = replace(result, probabilities=mask_viewer.shrink(result.probabilities, size))
    address = shared_images.address if shared else encoding.data_url
    return Scene(
        name=name,
        network=model.name,
        encoded=encoded,
        size=whole,
        shown=shown,
        result=small,
        photo=address(encoding.jpeg(shown, side=mask_viewer.SIDE), "jpeg"),
        probabilities=mask_viewer.gray(np.asarray(small.probabilities), address),
    )
