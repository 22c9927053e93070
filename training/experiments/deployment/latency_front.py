"""One image takes too long: which change buys most, and what does it cost in IoU?

    python -m training.experiments.deployment.latency_front --data-dir DIR

The shipped car network answers one image at a time, at several working resolutions, in every way
that this machine knows: PyTorch as it is, channels_last, BatchNorms folded, bfloat16, compiled;
ONNX Runtime and OpenVINO (optional: what is not installed is left out and named in ``missing``), in
float32, bfloat16 and int8 (calibrated on training photos). All take turns on an idle machine. The
IoU of every way is measured on the validation photos. The small networks of `network_sizes` are
timed beside it, and their IoU is taken from that experiment.

Rows, one a network and way:

- ``network``: "shipped", or a network of `network_sizes`; ``resolution``: the longest side.
- ``way``: such as "PyTorch", "PyTorch, channels_last", "…, folded", "…, bfloat16", "…, compiled",
  "ONNX Runtime", "ONNX Runtime, int8", "OpenVINO", "OpenVINO, bfloat16", "OpenVINO, int8".
- ``runtime``: "PyTorch", "ONNX Runtime" or "OpenVINO"; ``format``: "float32", "bfloat16", "int8".
- ``threads``.
- ``milliseconds``: median of an answer; ``milliseconds_low``, ``milliseconds_high``: of the rounds.
- ``iou``: mean over the validation images, at 512 × 342; ``n``: of how many images (or seeds).
- ``on_front``: whether nothing else is both faster and better.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import zoo
from training.carvana.carvana_record import segmenter
from training.data import carvana_photos
from training.data.carvana_photos import ImageMaskPair
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes
from training.engine.failures import run_command
from training.experiments import command, shipped
from training.experiments.deployment.answer_ways import (
    AnswerWay,
    Array,
    exported_ways,
    missing,
    torch_ways,
)
from training.experiments.interval_text import percent
from training.experiments.segmentation.network_sizes import SIZES, name_of, widths_of
from training.experiments.segmentation.small_cars import scaled
from zoo.errors import ExperimentError
from zoo.networks.segmentation.unet import UNet
from zoo.segmentation.masks import iou

NAME = "latency_front"
QUESTION = "One image takes too long: which change buys most?"
RESOLUTIONS = (512, 384, 256)
PHOTOS, CALIBRATION, ROUNDS = 24, 12, 9
BASELINE = "PyTorch"
LOSS = 0.002  # of IoU: a change that costs more is another trade
CPU = ComputeConfig(Processes(0, 1, torch.device("cpu")))
SMALL_WAYS = ("PyTorch, channels_last, folded, bfloat16", "OpenVINO, bfloat16")


def inputs_of(pairs: Sequence[ImageMaskPair], resolution: int) -> list[tuple[Array, Any]]:
    """Return each photo as the network's input, float32 (1, 3, H, W), with its mask."""
    read = [pair.read() for pair in pairs]
    return [(scaled(image, resolution).contiguous().numpy(), mask) for image, mask in read]


def quality(way: AnswerWay, examples: Sequence[tuple[Array, Any]], threshold: float) -> float:
    """Return the mean IoU at the photos' own size."""
    values = []
    for inputs, mask in examples:
        logits = torch.from_numpy(way.answer(inputs))
        full = functional.interpolate(logits, mask.shape, mode="bilinear", align_corners=False)
        values.append(iou(full.sigmoid()[0, 0].numpy() >= threshold, mask))
    return mean(values)


@dataclass(frozen=True)
class Case:
    """One way to get one answer from one network.

    Attributes:
        network: "shipped", or a network of `network_sizes`.
        resolution: the longest side of the image, in pixels.
        way: how.
        inputs: what the network gets, float32 (1, 3, H, W).
        iou: mean over the validation images, None if it is not recorded.
        n: of how many images, or seeds.
    """

    network: str
    resolution: int
    way: AnswerWay
    inputs: Array
    iou: float | None
    n: int

    def row(self) -> dict[str, Any]:
        """Return what names it in the table."""
        return {
            "network": self.network,
            "resolution": self.resolution,
            "way": self.way.name,
            "runtime": self.way.runtime,
            "format": self.way.format,
        }


def shipped_cases(
    model: zoo.Segmenter,
    resolution: int,
    held: Sequence[ImageMaskPair],
    learned: Sequence[ImageMaskPair],
    compiles: bool,
) -> list[Case]:
    """Return all ways of the shipped network, with their IoU.

    Args:
        model: the shipped one.
        resolution: see `Case`.
        held: photos to measure on.
        learned: photos that int8 is calibrated on.
        compiles: whether ``torch.compile`` is among the ways.
    """
    examples = inputs_of(held, resolution)
    inputs = examples[0][0]
    calibration = [inputs for inputs, _ in inputs_of(learned, resolution)]
    ways = [*torch_ways(model.network, inputs, compiles), *exported_ways(model, calibration)]
    threshold = model.config["threshold"]
    return [
        Case("shipped", resolution, way, inputs, quality(way, examples, threshold), len(examples))
        for way in ways
    ]


def small_cases(width: float, resolution: int) -> list[Case]:
    """Return the usual ways of a network of `network_sizes`, untrained: its time is the same."""
    network = UNet(widths_of(width)).eval()
    inputs = np.zeros((1, 3, round(resolution * 2 / 3), resolution), np.float32)
    ways = [*torch_ways(network, inputs, False), *exported_ways(segmenter(network, 0.5, CPU), [])]
    name = name_of(width, resolution)
    return [
        Case(name, resolution, way, inputs, *recorded_iou(name))
        for way in ways
        if way.name in SMALL_WAYS
    ]


def time_all(cases: Sequence[Case], rounds: int) -> list[list[float]]:
    """Return milliseconds of each case, one a round: the best of two calls; all take turns."""
    times: list[list[float]] = [[] for _ in cases]
    for number in range(rounds + 1):
        for case, mine in zip(cases, times, strict=True):
            spent = []
            for _ in range(2):
                start = time.perf_counter()
                case.way.answer(case.inputs)
                spent.append(1000 * (time.perf_counter() - start))
            if number:  # the first round warms up
                mine.append(min(spent))
    return times


def recorded_iou(network: str) -> tuple[float | None, int]:
    """Return the mean IoU that `network_sizes` recorded for a network, and of how many seeds."""
    try:
        rows = zoo.experiment("network_sizes").rows
    except ExperimentError:
        return None, 0
    values = [float(row["iou"]) for row in rows if row["network"] == network]
    return (mean(values), len(values)) if values else (None, 0)


def mark_front(rows: Sequence[dict[str, Any]]) -> None:
    """Say of each row whether nothing else is both faster and at least as good."""
    for row in rows:
        row["on_front"] = row["iou"] is not None and not any(
            other["iou"] is not None
            and other["milliseconds"] < row["milliseconds"]
            and other["iou"] >= row["iou"]
            for other in rows
        )


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""
    shipped = [row for row in rows if row["network"] == "shipped"]
    base = next(row for row in shipped if row["way"] == BASELINE)
    same = [row for row in shipped if row["iou"] >= base["iou"] - LOSS]
    best = min(same, key=lambda row: row["milliseconds"])
    single = [
        row
        for row in same
        if row["resolution"] == base["resolution"] and row["way"].count(",") <= 1
        and row is not base
    ]  # fmt: skip
    most = min(single or [base], key=lambda row: row["milliseconds"])
    return (
        f"Of the changes that cost less than {100 * LOSS:g} points of IoU, “{best['way']}” at "
        f"{best['resolution']} pixels is fastest: {best['milliseconds']:.0f} ms instead of "
        f"{base['milliseconds']:.0f} (IoU {percent(best['iou'], 2)} instead of "
        f"{percent(base['iou'], 2)}). The single change that buys most is “{most['way']}”: "
        f"{most['milliseconds']:.0f} ms."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    parser = command.parser(QUESTION, f"runs/{NAME}")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options = parser.parse_args(arguments)
    quick = options.quick
    study = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    model = shipped.segmenter()
    held = carvana_photos.load(options.data_dir, "validation")[: 2 if quick else PHOTOS]
    learned = carvana_photos.load(options.data_dir, "train")
    learned = learned[:: max(1, len(learned) // (2 if quick else CALIBRATION))]
    cases = [
        case
        for number, resolution in enumerate((64,) if quick else RESOLUTIONS)
        for case in shipped_cases(
            model, resolution, held, learned, not number and not options.no_compile and not quick
        )
    ]
    for width, resolution in () if quick else SIZES:
        cases += small_cases(width, resolution)
    times = time_all(cases, 1 if quick else ROUNDS)
    rows = [
        case.row() | {
            "threads": torch.get_num_threads(),
            "milliseconds": median(spent),
            "milliseconds_low": min(spent),
            "milliseconds_high": max(spent),
            "iou": case.iou,
            "n": case.n,
        }
        for case, spent in zip(cases, times, strict=True)
    ]  # fmt: skip
    mark_front(rows)
    return study.conclude(
        rows,
        finding(rows),
        [0],
        missing=missing(),
        limits="one machine and one image at a time, without reading and scaling it; the shipped "
        "network was not trained for the smaller resolutions.",
        quick=quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
