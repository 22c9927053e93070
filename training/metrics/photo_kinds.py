"""Which photos a segmentation network is measured on; to name one imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("studio", "full_size", "streets", "phone", "without_cars")


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
