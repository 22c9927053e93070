"""Made-up results of the BatchNorm experiments, in the form that the experiments write."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

SHARED = {
    "format": 1,
    "finding": "It is so.",
    "git_commit": "0" * 40,
    "hardware": {"cpu": "made up", "cores": 2, "memory_gib": 1, "gpu": None},
    "versions": {"python": "3"},
    "measured_on": "CIFAR-10, 5,000 validation images",
    "network": {"description": "A small network.", "parameters": 294794},
    "quick": False,
}
NORMS, RATES, SEEDS, EPOCHS = ("batch", "none", "group", "layer"), (0.02, 0.1, 0.5), (0, 1, 2), 8
BEST = {"batch": 0.86, "none": 0.8, "group": 0.84, "layer": 0.82}
LAYERS = [f"stages.{stage}.unit{unit}" for stage in range(3) for unit in (1, 2)]


def write(folder: Path) -> None:
    """Write all into a folder that stands in for ``zoo/experiments``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = (speed(), inside(), batch_size(), where(), depth(), modes(), folding(), race())
    for content in made:
        content = SHARED | {"question": f"{content['name']}?", "seeds": list(SEEDS)} | content
        content["command"] = f"python -m training.experiments.{content['name']} --data-dir DIR"
        (folder / f"{content['name']}.json").write_text(json.dumps(content))


def speed() -> dict[str, Any]:
    rows, curves = [], []
    for seed in SEEDS:
        for rate in RATES:
            for norm in NORMS:
                lost = norm == "none" and rate == 0.5
                end = 0.1 if lost else BEST[norm] - 0.03 * abs(math.log10(rate / 0.1)) + 0.01 * seed
                epochs = range(1, 2 if lost else EPOCHS + 1)
                validation = [
                    {
                        "epoch": e,
                        "loss": 1.0 / e,
                        "accuracy": end - 0.5 * (1 - e / max(epochs)) ** 2,
                    }
                    for e in epochs
                ]
                name = {"norm": norm, "learning_rate": rate, "seed": seed, "diverged": lost}
                curves.append(
                    name | {"training": [{"step": 5, "loss": 2.0}], "validation": validation}
                )
                early = validation[min(1, len(validation) - 1)]["accuracy"]
                rows.append(
                    name | {"accuracy": end, "accuracy_after_quarter": early, "seconds": 1.0}
                )
    return {"name": "batch_norm_speed", "rows": rows, "curves": curves}


def inside() -> dict[str, Any]:
    rows, landscape, summary = [], [], []
    for rate in RATES[:2]:
        for norm, factor in (("none", 3.0), ("batch", 1.0)):
            for step in range(1, 1400, 56):
                run = {"norm": norm, "learning_rate": rate, "step": step}
                for depth, layer in enumerate(LAYERS):
                    inside_layer = {
                        "layer": layer,
                        "gradient_norm": factor * 0.3 * math.exp(-step / 900),
                        "activation_std": factor * (1 + depth / 4),
                        "activation_drift": 0.05 * factor if step > 1 else 0.0,
                        "shift_relative": 0.2 * factor if depth else None,
                    }
                    rows.append(run | inside_layer)
                loss = 0.4 + 2 * math.exp(-step / 400)
                around = {
                    "loss_low": loss - 0.05,
                    "loss_high": loss + 0.1,
                    "gradient_change": factor,
                    "smoothness": 10 * factor,
                }
                landscape.append(run | around)
            summary += [
                {
                    "norm": norm,
                    "learning_rate": rate,
                    "seed": seed,
                    "loss_range": 0.3 / factor + 0.001 * seed,  # wider with BatchNorm
                    "gradient_change": factor + 0.01 * seed,
                    "smoothness": 10 * factor + 0.1 * seed,
                    "activation_drift": 0.05 * factor,
                    "shift_relative": 0.2 * factor + 0.01 * seed,
                    "shift_cosine": 0.9 / factor,
                }
                for seed in SEEDS
            ]
    more = {"landscape": landscape, "summary": summary}
    return {"name": "batch_norm_statistics", "rows": rows} | more


def batch_size() -> dict[str, Any]:
    rows = [
        {
            "stage": "final",
            "norm": norm,
            "batch": size,
            "learning_rate": 0.1 * size / 128,
            "seed": seed,
            "accuracy": 0.7 - (0.2 / size if norm == "batch" else 0.02) + 0.001 * seed,
            "accuracy_batch_statistics": 0.65 - 0.3 / size if norm == "batch" else None,
            "accuracy_corrected": 0.66 - 0.1 / size if norm == "batch" else None,
            "diverged": False,
            "seconds": 1.0,
        }
        for size in (128, 32, 8, 4, 2)
        for norm in ("batch", "group", "layer")
        for seed in SEEDS
    ]
    return {"name": "batch_norm_batch_size", "rows": rows, "published": {"points": 10.6}}


def where() -> dict[str, Any]:
    """In the form of a record without a search: what has no norm was trained at two rates."""
    accuracies = {
        "before the activation": 0.86,
        "after the activation": 0.859,  # within the seeds: no measurable difference
        "with a convolution bias": 0.861,
        "on the output layer too": 0.9,  # and not worse, as the claim says
        "none": 0.8,
    }
    return {"name": "batch_norm_where", "rows": _variants(accuracies)}


def depth() -> dict[str, Any]:
    accuracies = {
        "residual, BatchNorm": 0.8,
        "residual, none": 0.6,
        "residual, SkipInit": 0.801,
        "residual, GroupNorm": 0.79,
        "plain, BatchNorm": 0.75,
        "plain, none": 0.1,
    }
    return {"name": "batch_norm_depth", "rows": _variants(accuracies)}


def _variants(accuracies: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "variant": variant,
            "learning_rate": rate,
            "seed": seed,
            "accuracy": accuracy + 0.001 * seed - (0.1 if "none" in variant and rate > 0.05 else 0),
            "diverged": False,
            "seconds": 1.0,
        }
        for seed in SEEDS
        for variant, accuracy in accuracies.items()
        for rate in ((0.1, 0.02) if "none" in variant else (0.1,))
    ]


def folding() -> dict[str, Any]:
    rows = [
        {
            "model": "cifar10",
            "images": images,
            "folded": 9,
            "kept": 0,
            "max_difference": 4e-6,
            "largest": 16.0,
            "seconds": 0.02 * images,
            "seconds_folded": 0.016 * images,
        }
        for images in (1, 16)
    ]
    return {"name": "batch_norm_folding", "rows": rows}


def race() -> dict[str, Any]:
    rows = [
        {"norm": norm, "learning_rate": 0.1, "seed": seed, "step": step, "accuracy": share}
        for norm, most in (("batch", 0.95), ("none", 0.8))
        for seed in SEEDS
        for step in (0, 8, 16)
        for share in (most * step / 16 + 0.01 * seed * (step > 0),)
    ]
    return {"name": "batch_norm_race", "rows": rows}


def modes() -> dict[str, Any]:
    cases = [("running", "mixed", 256, 0.93)]
    cases += [("batch", "mixed", 2**k, 0.935 - 0.6 / 2**k) for k in range(9)]
    cases += [("batch", "one class", size, 0.4) for size in (4, 16, 64, 256)]
    rows = [
        {"statistics": s, "batches": b, "batch_size": n, "accuracy": a, "n": 10000}
        for s, b, n, a in cases
    ]
    return {
        "name": "batch_norm_modes",
        "rows": rows,
        "measured_on": "CIFAR-10, 10,000 test images",
    }
