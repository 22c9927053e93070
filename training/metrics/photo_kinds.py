"""Which photos a segmentation network is measured on; to name one imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# In the words of help texts and documents.
KINDS: Mapping[str, str] = {
    "studio": "studio photos",
    "full_size": "studio photos in full size",
    "streets": "street photos",
    "phone": "phone photos",
    "without_cars": "photos without a car",
}


@dataclass(frozen=True)
class Masks:
    """How a segmentation network is measured.

    Attributes:
        kind: One of `KINDS`. ``"studio"``: Carvana scaled to 512 pixels; ``"full_size"``: in its
            original size; ``"streets"``: street photos with a large vehicle; ``"phone"``: phone
            photos with partial masks; ``"without_cars"``: photos of which none should be found.
        refine: as for ``zoo.Segmenter.predict``; only photos in full size have something to refine.
    """

    kind: str = "studio"
    refine: bool = True
