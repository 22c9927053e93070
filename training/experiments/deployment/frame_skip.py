"""What does a mask lose when only every n-th frame is answered?

    python -m training.experiments.deployment.frame_skip --data-dir DIR

A window moves over each sample photo and zooms, slowly or fast. Every n-th frame is answered by the
shipped network; between, the last mask is held, or moved along by the shift that the two frames
show (phase correlation). It is compared with what the network says of the frame itself.

Rows, one a photo, speed, n and way:

- ``photo``; ``speed``: "slow" or "fast"; ``pixels_per_frame``: of the frame's 512, mean.
- ``every``: n, 1 to 30; ``between``: "hold" or "move".
- ``seed``: of the path.
- ``iou``: mean over all frames against the network's own mask of each; ``worst``: of a frame.
- ``self_iou``: between the network's masks of neighbouring frames once the known motion is taken
  back: how much the network itself flickers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import shift as shifted

import zoo
from training.engine.failures import run_command
from training.experiments import command, shipped
from training.experiments.cells import CellGrid
from training.experiments.deployment.moving_photos import SPEEDS, record
from training.experiments.interval_text import percent
from zoo.preprocessing.images import open_image
from zoo.samples import samples
from zoo.segmentation.masks import Mask, iou

NAME = "frame_skip"
QUESTION = "What does a mask lose when only every n-th frame is answered?"
EVERY, WAYS, SEEDS = (1, 2, 3, 5, 10, 15, 30), ("hold", "move"), (0, 1, 2)
PHOTOS, FRAMES = 4, 31
HALF = 2  # the shift is found on frames of half the size
Gray = NDArray[np.float32]


def run(key: Mapping[str, Any], model: zoo.Segmenter) -> dict[str, Any]:
    """Answer every frame of one video, and compare with answering every n-th."""
    photo = next(s for s in samples("cars") if s.id == key["photo"])
    video = record(
        open_image(photo.read(), share=True), key["frames"], SPEEDS[key["speed"]], key["seed"]
    )
    frames = [video.frame(number) for number in range(key["frames"])]
    own = [model.predict(frame, refine=False).mask for frame in frames]
    small = [gray(frame) for frame in frames]
    rows = []
    for every, way in itertools.product(key["every"], WAYS):
        values = []
        for number, mask in enumerate(own):
            last = number - number % every
            shown = own[last]
            if way == "move" and last != number:
                shown = moved(shown, motion(small[last], small[number]))
            values.append(iou(shown, mask))
        rows.append({"every": every, "between": way, "iou": mean(values), "worst": min(values)})
    steadiness = []
    for number in range(1, len(own)):
        carried = video.carried(own[number - 1], number - 1, number)
        seen = np.isfinite(carried)
        steadiness.append(iou(carried[seen] > 0.5, own[number][seen]))
    return {"rows": rows, "self_iou": mean(steadiness)}


def gray(frame: NDArray[np.uint8]) -> Gray:
    """Return a frame's brightness at half the size, float32."""
    image = Image.fromarray(frame).convert("L")
    size = (image.width // HALF, image.height // HALF)
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float32)


def motion(before: Gray, after: Gray) -> tuple[int, int]:
    """Return by how many pixels of the frame things moved, (down, right): phase correlation.

    Kuglin & Hines 1975: the inverse transform of the two spectra's phase difference has its peak
    at the shift. A window takes the borders out.
    """
    window = np.hanning(before.shape[0])[:, None] * np.hanning(before.shape[1])[None]
    spectra = [np.fft.rfft2((image - image.mean()) * window) for image in (before, after)]
    cross = spectra[1] * spectra[0].conj()
    peak = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), before.shape)
    found = np.unravel_index(int(peak.argmax()), peak.shape)
    return tuple(
        HALF * (int(at) - size if at > size // 2 else int(at))
        for at, size in zip(found, before.shape, strict=True)
    )  # type: ignore[return-value]


def moved(mask: Mask, by: tuple[int, int]) -> Mask:
    """Return a mask shifted by whole pixels; what comes in from outside repeats its border."""
    found: Mask = shifted(mask.astype(np.uint8), by, order=0, mode="nearest") > 0
    return found


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def of(speed: str, every: int, way: str) -> float:
        return mean(
            row["iou"]
            for row in rows
            if (row["speed"], row["every"], row["between"]) == (speed, every, way)
        )

    most = sorted({row["every"] for row in rows})
    told = [
        f"{speed} ({SPEEDS[speed]:g} pixels a frame): every {n}th "
        f"{percent(of(speed, n, 'hold'))} held and {percent(of(speed, n, 'move'))} moved along"
        for speed in SPEEDS
        for n in most
        if n in (5, 15) or n == most[-1] == most[0]
    ]
    steady = mean(row["self_iou"] for row in rows)
    return (
        f"IoU with the network's own mask of each frame, {'; '.join(told)}. The network itself "
        f"agrees with its last answer, once the motion is taken back, to {percent(steady)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "scipy", "pillow", "torch"))
    model = shipped.segmenter()
    quick = options.quick
    chosen = samples("cars")[: 1 if quick else PHOTOS]
    frames, every = (6, (1, 5)) if quick else (FRAMES, EVERY)
    keys = [
        {"photo": s.id, "speed": speed, "seed": seed, "frames": frames, "every": list(every)}
        for s, speed, seed in itertools.product(chosen, SPEEDS, SEEDS[:1] if quick else SEEDS)
    ]
    grid = CellGrid(options.out)
    found = grid.all(keys, lambda key: run(key, model))
    rows = [
        {
            "photo": key["photo"],
            "speed": key["speed"],
            "pixels_per_frame": SPEEDS[key["speed"]],
            "seed": key["seed"],
            **row,
            "self_iou": result["self_iou"],
        }
        for key, result in zip(keys, found, strict=True)
        for row in result["rows"]
    ]
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        limits=f"windows that move over {len(chosen)} photos: all moves together, nothing is "
        "hidden or turns, and no frame is blurred by motion.",
        credits=[{"photo": s.id, "credit": s.credit} for s in chosen],
        quick=quick,
        cell_commits=sorted(grid.commits),
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
