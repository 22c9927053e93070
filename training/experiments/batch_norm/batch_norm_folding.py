"""What does folding BatchNorm into the convolutions change: the answers, and the time?

    python -m training.experiments.batch_norm.batch_norm_folding --data-dir DIR

The bundled classifiers on a CPU, each with its BatchNorm layers and folded, in turns on the same
images, which ship with the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import zoo
from training.engine.failures import run_command
from training.experiments import command, shipped
from zoo.batch_norm import compare, fold
from zoo.samples.sets import image_set

NAME = "batch_norm_folding"
QUESTION = "What does folding BatchNorm into the convolutions change, the answers or the time?"
IMAGES = (1, 16)
ROUNDS = 51  # timed passes of each network


def measure(model: zoo.Classifier, images: int, rounds: int) -> dict[str, Any]:
    """Return one row: differences and times of a model for so many images at a time."""
    info, network = zoo.info(model.name), model.network
    if info.framework == "numpy":
        network = network.to_torch()
    inputs = model.preprocessing.normalize_batch(image_set(info.image_set).images[:images])
    folded = fold(network, inputs[:1])
    found = compare(network, folded.network, inputs, rounds)
    return {
        "model": model.name,
        "images": images,
        "folded": len(folded.pairs),
        "kept": len(folded.kept),
        "max_difference": float(f"{found.max_difference:.3g}"),
        "largest": float(f"{found.largest:.4g}"),
        "seconds": float(f"{found.before:.4g}"),
        "seconds_folded": float(f"{found.after:.4g}"),
    }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    worst = max(row["max_difference"] / row["largest"] for row in rows)
    layers = "; ".join(dict.fromkeys(f"{row['folded']} layers of {row['model']}" for row in rows))
    return f"Folded ({layers}), the logits differ by at most {worst:.0e} of the largest."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    parser = command.parser(QUESTION, "runs/batch_norm")
    options = parser.parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    import torch

    torch.set_num_threads(1)
    rows = []
    for name in zoo.list_models(own=False, alternatives=False):
        if not zoo.info(name).image_set:
            continue
        model = shipped.classifier(name)
        rows += [measure(model, count, 3 if options.quick else ROUNDS) for count in IMAGES]
    return study.conclude(
        rows,
        finding(rows),
        [0],
        limits="one thread; the times are no claim where other programs computed meanwhile",
        measured_on="the images of the two sets that ship with the code",
        quick=options.quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
