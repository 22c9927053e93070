"""How fast is each model in each runtime and number format, and are its answers as good?

    python -m training.benchmarks.inference_backends [--data-dir DIR]

Each shipped network alone, one image at a time, as ``zoo.load`` gives it: in its own framework,
ONNX Runtime and OpenVINO, in float32 and, where the processor has instructions for it, bfloat16;
all take turns. With ``--data-dir`` a segmentation network is there in int8 as well (calibrated on
validation images of one half of the cars, measured on the other half), and each of its rows has its
IoU there. The result is ``zoo/experiments/inference_backends.json``.

Rows, one a model and way:

- ``model``; ``backend``: "numpy", "torch", "onnxruntime" or "openvino"; ``precision``.
- ``milliseconds``: median of an image; ``times``: of how many rounds.
- ``of_the_best``: that over the fastest float32 row of the same model.
- ``iou``, ``n``: mean IoU of validation images (null for a classifier or without data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zoo
from training.benchmarks.int8 import quantized
from training.data.readers import reader
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.metrics.mask_predictions import measure_model
from zoo.backends import choosing
from zoo.backends.engines import OnnxRuntime, OpenVino
from zoo.bench import engines, take_turns

QUESTION = "How fast is each model in each runtime and number format?"
LIMITS = (
    "Random inputs and one machine; reading and preparing an image come on top. IoU is of "
    "validation images, which a shipped network may have learned from in its last run."
)
IMAGES = 24  # of each half: to calibrate on, and to measure IoU on
Answer = Callable[[np.ndarray], np.ndarray]
Way = tuple[str, str]  # backend, precision


def ways(model: zoo.Classifier | zoo.Segmenter) -> dict[Way, Answer]:
    """Return what runs a model here, by backend and precision."""
    found: dict[Way, Answer] = {(model.backend, "float32"): model.plain_logits}
    if model.backend == "torch" and choosing.has_bfloat16():
        twin = zoo.load(model.name, device="cpu", source="bundle", precision="bfloat16")
        found["torch", "bfloat16"] = twin.logits
    return found | engines(model)


def int8_ways(model: zoo.Segmenter, pairs: Sequence[Any]) -> dict[Way, Answer]:
    """Return the same in int8, calibrated on these images."""
    contents = quantized(model, (model.preprocess(pair.read()[0])[None] for pair in pairs))
    return {
        ("onnxruntime", "int8"): OnnxRuntime(contents),
        ("openvino", "int8"): OpenVino(contents),
    }


def halves(model: zoo.Segmenter, data_dir: Path) -> tuple[list[Any], list[Any]]:
    """Return validation images of some cars, and of others: evenly chosen, at most `IMAGES` each.

    A photo's name begins with its car's, and the photos come sorted.
    """
    pairs = reader(model.config).load(data_dir, "validation")
    middle = len(pairs) // 2
    car = pairs[middle].name.split("_")[0]
    middle = next(i for i, pair in enumerate(pairs) if pair.name.split("_")[0] == car)
    parts = pairs[:middle], pairs[middle:]
    return tuple(list(part[:: max(1, len(part) // IMAGES)])[:IMAGES] for part in parts)  # type: ignore[return-value]


def iou_of(model: zoo.Segmenter, answer: Answer, pairs: Sequence[Any]) -> float:
    """Return the mean IoU of a model that answers through something else."""
    before, model.engine = model.engine, answer
    try:
        return float(measure_model(model, pairs)["iou"])
    finally:
        model.engine = before


def measure(
    model: zoo.Classifier | zoo.Segmenter, rounds: int, data_dir: Path | None
) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    found, held_out = ways(model), list[Any]()
    if isinstance(model, zoo.Segmenter) and data_dir is not None:
        calibration, held_out = halves(model, data_dir)
        found |= int8_ways(model, calibration)
    inputs = np.random.default_rng(0).standard_normal(
        (1, *model.preprocessing.input_shape), dtype=np.float32
    )
    times = take_turns({way: partial(answer, inputs) for way, answer in found.items()}, rounds)
    best = min(seconds for (_, precision), (seconds, _) in times.items() if precision == "float32")
    rows = []
    for (backend, precision), (seconds, count) in times.items():
        iou = None
        if isinstance(model, zoo.Segmenter) and held_out:
            iou = iou_of(model, found[backend, precision], held_out)
        rows.append(
            {
                "model": model.name,
                "backend": backend,
                "precision": precision,
                "milliseconds": 1000 * seconds,
                "times": count,
                "of_the_best": seconds / best,
                "iou": iou,
                "n": len(held_out) or None,
            }
        )
    return rows


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def told(row: Mapping[str, Any]) -> str:
        iou = f" (IoU {percent(row['iou'], 2)})" if row["iou"] is not None else ""
        return f"{row['milliseconds']:.1f} in {row['backend']} {row['precision']}{iou}"

    models = dict.fromkeys(row["model"] for row in rows)
    texts = [
        f"{model} {', '.join(told(row) for row in rows if row['model'] == model)}"
        for model in models
    ]
    return f"Milliseconds of one image: {'; '.join(texts)}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(QUESTION, data=False)
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="for int8 and IoU")
    parser.add_argument(
        "--models", nargs="+", default=zoo.list_models(own=False, alternatives=False)
    )
    parser.add_argument("--rounds", type=int, default=9, help="of turns (default 9)")
    options = parser.parse_args(arguments)
    packages = ("numpy", "torch", "onnxruntime", "openvino")
    study = command.Study("inference_backends", QUESTION, options, packages)
    rows: list[dict[str, Any]] = []
    for name in options.models:
        model = zoo.load(name, device="cpu", source="bundle")
        rows += measure(model, options.rounds, options.data_dir)
    return study.conclude(rows, finding(rows), [0], threads=torch.get_num_threads(), limits=LIMITS)


if __name__ == "__main__":
    run_command(main)
