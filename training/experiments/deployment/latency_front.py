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
from training.engine.failures import TrainingError, run_command
from training.experiments import command
from training.experiments.deployment.answer_ways import (
    AnswerWay,
    Array,
    exported_ways,
    missing,
    torch_ways,
)
from training.experiments.segmentation.network_sizes import SIZES, name_of, widths_of
from training.experiments.segmentation.small_cars import scaled
from zoo.errors import ExperimentError, ZooError
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


def time_all(ways: Mapping[Any, tuple[AnswerWay, Array]], rounds: int) -> dict[Any, list[float]]:
    """Return milliseconds by case, one a round: the best of two calls; all take turns."""
    times: dict[Any, list[float]] = {case: [] for case in ways}
    for number in range(rounds + 1):
        for case, (way, inputs) in ways.items():
            spent = []
            for _ in range(2):
                start = time.perf_counter()
                way.answer(inputs)
                spent.append(1000 * (time.perf_counter() - start))
            if number:  # the first round warms up
                times[case].append(min(spent))
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
        f"Of the changes that cost less than {LOSS:g} IoU, “{best['way']}” at "
        f"{best['resolution']} pixels is fastest: {best['milliseconds']:.0f} ms instead of "
        f"{base['milliseconds']:.0f} (IoU {best['iou']:.4f} instead of {base['iou']:.4f}). The "
        f"single change that buys most is “{most['way']}”: {most['milliseconds']:.0f} ms."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    parser = command.parser(QUESTION, f"runs/{NAME}")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options = parser.parse_args(arguments)
    quick = options.quick
    study = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    threads = torch.get_num_threads()
    try:
        model = zoo.load("carvana", device="cpu", source="bundle")
    except ZooError as error:
        raise TrainingError(str(error)) from None
    assert isinstance(model, zoo.Segmenter)
    held = carvana_photos.load(options.data_dir, "validation")[: 2 if quick else PHOTOS]
    learned = carvana_photos.load(options.data_dir, "train")
    learned = learned[:: max(1, len(learned) // (2 if quick else CALIBRATION))]
    cases: dict[tuple[str, int, str], tuple[AnswerWay, Array]] = {}
    found: dict[tuple[str, int, str], tuple[float | None, int]] = {}
    for number, resolution in enumerate((64,) if quick else RESOLUTIONS):
        examples = inputs_of(held, resolution)
        example = examples[0][0]
        compiles = number == 0 and not options.no_compile and not quick
        calibration = [inputs for inputs, _ in inputs_of(learned, resolution)]
        ways = [
            *torch_ways(model.network, example, compiles),
            *exported_ways(model, calibration),
        ]
        for way in ways:
            case = ("shipped", resolution, way.name)
            cases[case] = (way, example)
            found[case] = (quality(way, examples, model.config["threshold"]), len(examples))
    for width, resolution in () if quick else SIZES:
        network = UNet(widths_of(width)).eval()
        example = np.zeros((1, 3, round(resolution * 2 / 3), resolution), np.float32)
        ways = [
            *torch_ways(network, example, False), *exported_ways(segmenter(network, 0.5, CPU), [])
        ]  # fmt: skip
        for way in ways:
            if way.name in SMALL_WAYS:
                case = (name_of(width, resolution), resolution, way.name)
                cases[case] = (way, example)
                found[case] = recorded_iou(case[0])
    times = time_all(cases, 1 if quick else ROUNDS)
    rows = [
        {
            "network": case[0],
            "resolution": case[1],
            "way": case[2],
            "runtime": way.runtime,
            "format": way.format,
            "threads": threads,
            "milliseconds": median(times[case]),
            "milliseconds_low": min(times[case]),
            "milliseconds_high": max(times[case]),
            "iou": found[case][0],
            "n": found[case][1],
        }
        for case, (way, _) in cases.items()
    ]
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
