"""The held-out phone photos whose masks are not *good*: their figures, and why they fail.

    python -m training.documents.failed_photos carvana --data-dir DIR [--sheet FILE.png]

measures a shipped car network on the validation and test photos, and writes the figures of those
that fail to ``failed_photos.json``; the sheet shows them side by side. ``why`` is what somebody saw
who looked at the sheet: the command keeps those words as long as the weights are the same, and
leaves them empty for a photo that nobody has looked at.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import zoo
from training.data import car_photos
from training.documents.failure_sheet import sheet
from training.documents.markdown_text import code, percent, table
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json, write_json
from training.metrics.phone_photos import PhotoAnswer, compare
from zoo.command_parser import CommandParser
from zoo.segmentation.masks import Mask
from zoo.weights.atomic_files import write_bytes

FILE = Path(__file__).with_name("failed_photos.json")
HELD_OUT = ("validation", "test")
COMMAND = "python -m training.documents.failed_photos {} --data-dir data --sheet sheet.png"


class Failed(NamedTuple):
    """A photo whose mask is not good.

    Attributes:
        split: ``"validation"`` or ``"test"``.
        name: of the photo.
        answer: what became of it.
        image: uint8 (H, W, 3).
        mask: predicted, bool (H, W).
        partial: uint8 (H, W), see `training.data.car_photos`.
    """

    split: str
    name: str
    answer: PhotoAnswer
    image: NDArray[np.uint8]
    mask: Mask
    partial: NDArray[np.uint8]


def failing(model: zoo.Segmenter, data_dir: Path) -> Iterator[Failed]:
    """Yield the held-out photos whose masks are not good, as the model answers any user."""
    for split in HELD_OUT:
        for photo in car_photos.load(data_dir, split):
            image, partial = photo.read()
            mask = model.predict(image).mask
            answer = compare(mask, partial)
            if not answer.good:
                yield Failed(split, photo.name, answer, image, mask, partial)


def record(
    found: Sequence[Failed], model: str, weights: str, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the file shall hold.

    Args:
        found: the photos that fail.
        model: name of the network.
        weights: SHA-256 of its weights.
        before: what the file holds; its words are kept if they are about the same weights.
    """
    same = before.get("weights") == weights
    told = {row["photo"]: row["why"] for row in before.get("photos", [])} if same else {}
    rows = [
        {
            "photo": one.name,
            "split": one.split,
            "fair": one.answer.fair,
            **{name: round(value, 4) for name, value in asdict(one.answer).items()},
            "why": told.get(one.name, ""),
        }
        for one in found
    ]
    return {"model": model, "weights": weights, "photos": rows}


def section(found: Mapping[str, Any], model: str, weights: str) -> str:
    """Return the document's part about a model's photos; "" if the file is about other weights."""
    if (found["model"], found["weights"]) != (model, weights):
        return ""
    rows = [
        [
            row["photo"], row["split"], "fair" if row["fair"] else "neither",
            *(percent(row[name], 1) for name in ("recall", "attached", "other")),
            row["why"] or "nobody has looked at it yet",
        ]
        for row in found["photos"]
    ]  # fmt: skip
    head = ["Photo", "Split", "Mask is", "Recall", "False car, attached", "Elsewhere", "Why"]
    return "\n\n".join(
        [
            f"The {len(rows)} held-out phone photos whose masks are not *good* "
            "([what that is](training.md#carvana)). The command computes the figures; why a "
            "photo fails are the words of whoever looked at the sheet that it draws. The photos "
            "themselves may not be passed on.",
            table(head, rows),
            code("sh", COMMAND.format(model)),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m training.documents.failed_photos",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("model", help="a car network of the zoo")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="draw them, to be looked at")
    options = parser.parse_args(arguments)
    model = zoo.load(options.model, source="bundle", device="cpu")
    if not isinstance(model, zoo.Segmenter):
        raise TrainingError(f"{options.model} is no segmentation network: it has no masks.")
    found = list(failing(model, options.data_dir))
    before = read_json(FILE) if FILE.is_file() else {}
    told = record(found, model.name, zoo.info(model.name).sha256, before)
    write_json(FILE, told)
    lines = [_line(row) for row in told["photos"]]
    for line, row in zip(lines, told["photos"], strict=True):
        print(f"{line}  {row['why']}")
    if options.sheet:
        file = io.BytesIO()
        rows = [
            (line, one.image, one.mask, one.partial) for line, one in zip(lines, found, strict=True)
        ]
        sheet(rows).save(file, "PNG")
        write_bytes(options.sheet, file.getvalue())
    return 0


def _line(row: Mapping[str, Any]) -> str:
    figures = "  ".join(f"{name} {row[name]:.3f}" for name in ("recall", "attached", "other"))
    return f"{row['split']} {row['photo']}  {figures}"


if __name__ == "__main__":
    run_command(main)
