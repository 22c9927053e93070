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
NORMS, RATES, SEEDS, EPOCHS = ("batch", "none", "group", "layer"), (0.02, 0.1, 0.5), (0, 1), 8
BEST = {"batch": 0.86, "none": 0.8, "group": 0.84, "layer": 0.82}
LAYERS = [f"stages.{stage}.unit{unit}" for stage in range(3) for unit in (1, 2)]


def write(folder: Path) -> None:
    """Write all six into a folder that stands in for ``zoo/experiments``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = (speed(), longer(), inside(), batch_size(), where(), modes())
    for content in made:
        content = SHARED | {"question": f"{content['name']}?", "seeds": [0, 1]} | content
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
    rows, summary = [], []
    for rate in RATES[:2]:
        for norm, factor in (("none", 3.0), ("batch", 1.0)):
            for step in range(1, 1400, 56):
                loss = 0.4 + 2 * math.exp(-step / 400)
                for depth, layer in enumerate(LAYERS):
                    rows.append(
                        {
                            "norm": norm,
                            "learning_rate": rate,
                            "seed": 0,
                            "step": step,
                            "layer": layer,
                            "activation_mean": 0.1 * factor,
                            "activation_std": factor * (1 + depth / 4),
                            "activation_drift": 0.05 * factor,
                            "gradient_norm": factor * 0.3 * math.exp(-step / 900),
                            "loss": loss,
                            "loss_low": loss - 0.05 * factor,
                            "loss_high": loss + 0.1 * factor * (1 + math.sin(step) ** 2),
                            "gradient_change": factor,
                            "smoothness": 10 * factor,
                            "shift_relative": 0.4 if depth and step % 112 == 1 else None,
                            "shift_cosine": 0.9 / factor if depth and step % 112 == 1 else None,
                        }
                    )
            summary.append(
                {
                    "norm": norm,
                    "learning_rate": rate,
                    "loss_range": 0.2 * factor,
                    "gradient_change": factor,
                    "smoothness": 10 * factor,
                    "activation_drift": 0.05 * factor,
                    "shift_relative": 0.4,
                    "shift_cosine": 0.9 / factor,
                }
            )
    return {"name": "batch_norm_statistics", "rows": rows, "summary": summary}


def longer() -> dict[str, Any]:
    rows, curves = [], []
    for norm in ("batch",):
        name = {"norm": norm, "learning_rate": 0.1, "seed": 0, "diverged": False}
        points = [{"epoch": e, "loss": 1.0, "accuracy": BEST[norm] - 0.3 / e} for e in (1, 2, 3)]
        curves.append(name | {"training": [], "validation": points})
        rows.append(name | {"epochs": 3, "accuracy": points[-1]["accuracy"], "seconds": 300.0})
    return {"name": "batch_norm_longer", "rows": rows, "curves": curves}


def batch_size() -> dict[str, Any]:
    rows = [
        {
            "norm": norm,
            "batch": size,
            "learning_rate": 0.1 * size / 128,
            "seed": 0,
            "accuracy": 0.7 - (0.2 / size if norm == "batch" else 0.02),
            "accuracy_batch_statistics": 0.65 - 0.3 / size if norm == "batch" else None,
            "diverged": False,
            "seconds": 1.0,
        }
        for size in (128, 32, 8, 4, 2)
        for norm in ("batch", "group")
    ]
    return {"name": "batch_norm_batch_size", "rows": rows}


def where() -> dict[str, Any]:
    accuracies = {
        "before the activation": 0.86,
        "after the activation": 0.855,
        "with a convolution bias": 0.861,
        "on the output layer too": 0.85,
        "none": 0.8,
        "residual, BatchNorm": 0.88,
        "residual, none": 0.79,
    }
    rows = [
        {
            "variant": variant,
            "residual": variant.startswith("residual"),
            "learning_rate": rate,
            "seed": seed,
            "accuracy": accuracy + 0.004 * seed - (0.3 if "none" in variant and rate > 0.05 else 0),
            "loss": 0.5,
            "diverged": False,
            "seconds": 1.0,
        }
        for seed in SEEDS
        for variant, accuracy in accuracies.items()
        for rate in ((0.1, 0.02) if "none" in variant else (0.1,))
    ]
    return {"name": "batch_norm_where", "rows": rows}


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
