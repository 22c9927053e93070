"""Where does the time of a frame go, from file to file?

    python -m training.experiments.deployment.frame_budget --data-dir DIR

Sample photos go through the shipped car network as a frame of a video would: decode the JPEG,
scale, network, refine the mask at the frame's size, encode the answer. Every stage is timed alone.

Rows, one a photo, stage and round:

- ``photo``: of ``zoo/samples/cars``; ``megapixels``.
- ``stage``: "decode", "scale", "network", "refine", "encode mask", "encode cut-out".
- ``round``; ``milliseconds``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import torch
from PIL import Image

import zoo
from training.engine.failures import run_command
from training.experiments import command, shipped
from training.experiments.interval_text import percent
from zoo.functions import sigmoid
from zoo.preprocessing.images import open_image
from zoo.samples import Sample, samples
from zoo.segmentation import components, cutouts, mask_refinement, masks

NAME = "frame_budget"
QUESTION = "Where does the time of a frame go?"
STAGES = ("decode", "scale", "network", "refine", "encode mask", "encode cut-out")
ROUNDS = 5


def stages(model: zoo.Segmenter, content: bytes) -> dict[str, float]:
    """Take one photo from file to file; return each stage's milliseconds."""
    spent: dict[str, float] = {}
    threshold = float(model.config["threshold"])

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        spent[stage] = 1000 * (time.perf_counter() - start)
        return result

    def decode() -> Image.Image:
        image = open_image(content, share=True)
        image.load()
        return image

    photo = timed("decode", decode)
    prepared = model.preprocessing
    inputs = timed("scale", lambda: prepared.normalize(prepared.resize(photo)))
    logits = timed("network", lambda: model.logits(inputs[None])[0, 0])

    def refine() -> Any:
        low = components.hysteresis_threshold(sigmoid(logits), threshold)
        return mask_refinement.enlarge(low, photo, threshold)

    probabilities = timed("refine", refine)
    timed("encode mask", lambda: masks.png(probabilities >= threshold))
    alpha = cutouts.opacity(probabilities, threshold)
    timed("encode cut-out", lambda: cutouts.png(cutouts.cut_out(photo, alpha)))
    return spent


def measure(model: zoo.Segmenter, chosen: Sequence[Sample], rounds: int) -> list[dict[str, Any]]:
    """Return a row a photo, stage and round; a round before them warms up."""
    rows = []
    for number in range(-1, rounds):
        for sample in chosen:
            content = sample.read()
            with open_image(content, share=True) as image:
                size = round(image.width * image.height / 1e6, 2)
            for stage, milliseconds in stages(model, content).items():
                name = {"photo": sample.id, "megapixels": size, "stage": stage, "round": number}
                if number >= 0:
                    rows.append(name | {"milliseconds": milliseconds})
    return rows


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def of(stage: str) -> float:
        return median(row["milliseconds"] for row in rows if row["stage"] == stage)

    total = sum(of(stage) for stage in STAGES)
    told = ", ".join(f"{stage} {of(stage):.0f}" for stage in STAGES)
    size = median(row["megapixels"] for row in rows)
    return (
        f"Of {total:.0f} ms for a photo of {size:.1f} megapixels (medians) go, in milliseconds: "
        f"{told}; the network has {percent(of('network') / total, 0)} of it."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "pillow", "torch"))
    model = shipped.segmenter()
    chosen, rounds = (samples("cars")[:2], 1) if options.quick else (samples("cars"), ROUNDS)
    rows = measure(model, chosen, rounds)
    return study.conclude(
        rows,
        finding(rows),
        range(rounds),
        threads=torch.get_num_threads(),
        backend=f"{model.backend}, {model.precision}",
        limits="one machine; photos of about a megapixel, whose decoding and refining grow with "
        "their size; a round stands where others have a seed.",
        quick=options.quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
