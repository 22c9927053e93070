"""The masks and cut-outs of many images in one zip file, with a table of what was found."""

from __future__ import annotations

import csv
import io
import zipfile

from PIL import Image

from zoo.results import Segmentation
from zoo.segmentation import cutouts, file_names, masks

TABLE = "masks.csv"
COLUMNS = ("image", "mask", "cutout", "width", "height", "found", "area", "threshold", "problem")


class MaskArchive:
    """A zip file in memory that grows image by image.

    Example:
        >>> import numpy as np
        >>> found = Segmentation("car", np.ones((8, 8), np.float32), np.ones((8, 8)), 0.5, 0.01)
        >>> archive = MaskArchive()
        >>> archive.add("street.jpg", found)
        'street_mask.png'
        >>> archive.close()[:2]
        b'PK'
    """

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        # Stored: PNG files are compressed already.
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_STORED)
        self._names: set[str] = set()
        self._rows: list[dict[str, object]] = []

    @property
    def size(self) -> int:
        """Bytes that the archive has so far."""
        return self._buffer.tell()

    def add(self, image: str, answer: Segmentation, threshold: float | None = None) -> str:
        """Add an image's mask, at the image's own size.

        Args:
            image: The image's file name. Two images of one name get different masks.
            answer: What the network found.
            threshold: The probability from which a pixel belongs to the mask; None for the
                model's own.

        Returns:
            The name of the mask in the archive.
        """
        threshold = answer.threshold if threshold is None else threshold
        mask = answer.mask_at(threshold)
        name, area = masks.file_name(image, self._names), masks.area_fraction(mask)
        self._zip.writestr(name, masks.png(mask))
        self._rows.append(
            {
                "image": image,
                "mask": name,
                "width": mask.shape[1],
                "height": mask.shape[0],
                "found": answer.found_at(threshold),
                "area": f"{area:.5f}",
                "threshold": f"{threshold:g}",
            }
        )
        return name

    def add_cutout(self, photo: Image.Image, answer: Segmentation, trim: bool = False) -> str:
        """Add the cut-out of the image whose mask was added last.

        Args:
            photo: The image, RGB, at its own size.
            answer: What the network found in it, as it was given to :meth:`add`.
            trim: Whether the cut-out ends around the object.

        Returns:
            The name of the cut-out in the archive.
        """
        row = self._rows[-1]
        alpha = cutouts.opacity(answer.probabilities, float(str(row["threshold"])))
        if trim:
            left, top, right, bottom = box = cutouts.bounds(alpha)
            photo, alpha = photo.crop(box), alpha[top:bottom, left:right]
        name = file_names.unique(str(row["image"]), "_cutout.png", self._names)
        self._zip.writestr(name, cutouts.png(cutouts.cut_out(photo, alpha)))
        row["cutout"] = name
        return name

    def add_problem(self, image: str, problem: str) -> None:
        """Note in the table that an image has no mask.

        Args:
            image: The image's file name.
            problem: One sentence that says why.
        """
        self._rows.append({"image": image, "problem": problem})

    def close(self) -> bytes:
        """Return the finished zip file: the masks, and ``masks.csv`` with a row an image."""
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(self._rows)
        # A name of bytes that are no UTF-8 holds what cannot be encoded.
        self._zip.writestr(TABLE, table.getvalue().encode("utf-8", "backslashreplace"))
        self._zip.close()
        return self._buffer.getvalue()
