"""Save what a segmentation network found, mask and cut-out, as PNG files."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ZooError
from zoo.preprocessing.images import ImageSource, open_image
from zoo.results import Segmentation
from zoo.segmentation import cutouts, masks
from zoo.weights import atomic_files


class Saver:
    """Write masks and cut-outs into folders, which are made when the first one is written.

    Args:
        mask_folder: Where the masks go, named as Carvana's are: ``street_mask.png`` of
            ``street.jpg``; None for nowhere.
        cutout_folder: Where the cut-outs go: ``street_cutout.png``, the photo's own size, its
            background transparent; None for nowhere. It may be the same folder.

    Two images of one name get different files; files of an earlier run are overwritten.
    """

    def __init__(self, mask_folder: Path | None, cutout_folder: Path | None) -> None:
        self._masks, self._cutouts = mask_folder, cutout_folder
        self._taken: set[str] = set()

    def save(self, name: str, image: ImageSource, answer: Segmentation) -> dict[str, str]:
        """Write the files for one image.

        Args:
            name: The image's file name, after which the files are named; see
                :mod:`zoo.segmentation.file_names`.
            image: The image that ``answer`` answers for.
            answer: What :meth:`zoo.Segmenter.predict` returned.

        Returns:
            The written paths, under ``"mask"`` and ``"cutout"``.

        Raises:
            ZooError: A folder cannot be written to.
        """
        return self.write(self.reserve(name), image, answer)

    def reserve(self, name: str) -> str:
        """Return the mask's file name for an image, which no other image gets."""
        return masks.file_name(name, self._taken)

    def write(self, file: str, image: ImageSource, answer: Segmentation) -> dict[str, str]:
        """Write the files for one image under a name that `reserve` gave; in any thread.

        Returns and raises what `save` does.
        """
        written: dict[str, str] = {}
        if self._masks is not None:
            path = self._masks / file
            _write(path, masks.png(answer.mask))
            written["mask"] = str(path)
        if self._cutouts is not None:
            path = self._cutouts / f"{file.removesuffix('_mask.png')}_cutout.png"
            alpha = cutouts.opacity(answer.probabilities, answer.threshold)
            _write(path, cutouts.png(cutouts.cut_out(open_image(image, share=True), alpha)))
            written["cutout"] = str(path)
        return written


def _write(path: Path, contents: bytes) -> None:
    """Write a file, or say in one sentence that it cannot be."""
    try:
        atomic_files.write_bytes(path, contents)
    except OSError as error:
        raise ZooError(
            f"{path} cannot be written ({error.strerror}): name another folder."
        ) from None
