"""From a plain network to 95 % on CIFAR-10: what does each step bring?

    python -m training.experiments.classification.cifar_ladder --data-dir DIR

Each rung is trained with its own learning rate, three times; the upper rungs are recorded runs of
the recipes (``zoo/experiments/cifar_time_to_94.json``, ``zoo/bundle``).

Rows, one a rung and seed, as `digit_ladder` has them:

- ``rung``, ``name``, ``change``, ``seed``, ``learning_rate``, ``parameters``, ``epochs``.
- ``accuracy``: on the validation images (recorded runs: as their record says, see ``split``).
- ``split``: "validation" or "test"; ``recorded``: true if the row comes from a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

import zoo
from training.cifar10 import cifar10_recipe
from training.cifar10.cifar10_settings import PRESETS
from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.classification.quick_study import QuickStudy
from training.experiments.classification.quick_training import (
    QuickRecipe,
    QuickTraining,
    compute_of,
    measure,
    parameters,
)
from training.experiments.interval_text import percent
from training.experiments.rate_search import RateSearch

NAME = "cifar_ladder"
QUESTION = "Which steps lead from a plain CIFAR-10 network to 95 %?"
SEARCH = RateSearch(rates=(0.02, 0.06, 0.2), seeds=(0, 1, 2))
IMAGES = 45_000
MUON: dict[str, Any] = {
    "epochs": 6, "widths": (32, 128, 128), "low_res": (), "activation": "gelu",
}  # fmt: skip


def linear() -> nn.Module:
    """Return softmax regression on the pixels."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))


def two_layers() -> nn.Module:
    """Return a network with one hidden layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 512), nn.ReLU(), nn.Linear(512, 10))


@dataclass(frozen=True)
class CifarRung:
    """One step of the ladder.

    Attributes:
        change: what is new.
        settings: of `QuickRecipe`.
        make: another network than the small one.
    """

    change: str
    settings: dict[str, Any] = field(default_factory=dict)
    make: Callable[[], nn.Module] | None = None


RUNGS = {
    "softmax regression": CifarRung("a linear layer on the pixels", {"epochs": 4}, linear),
    "two layers": CifarRung("a hidden layer of 512 units", {"epochs": 4}, two_layers),
    "plain convolutions": CifarRung("six convolutions", {"epochs": 4}),
    "with BatchNorm": CifarRung("BatchNorm", {"epochs": 4, "norm": "batch"}),
    "with augmentation": CifarRung(
        "flip and shift, weight decay, twice as long",
        {"epochs": 8, "norm": "batch", "flip": True, "translate": 2, "weight_decay": 5e-4},
    ),
}
WIDER = "wider, with Muon"


def run(
    key: Mapping[str, Any], training: LabelledImages, held_out: LabelledImages
) -> dict[str, Any]:
    """Train one rung with one seed."""
    compute = compute_of(key)
    if key["name"] == WIDER:
        return with_muon(key, training, held_out)
    rung = RUNGS[key["name"]]
    torch.manual_seed(key["seed"])
    network = rung.make() if rung.make else None
    one = QuickTraining(QuickRecipe.of(key), training, key["seed"], compute, network)
    for _ in one.epochs():
        pass
    found = measure(one.network, held_out, compute)
    return found | {"parameters": parameters(one.network), "diverged": one.diverged}


def with_muon(
    key: Mapping[str, Any], training: LabelledImages, held_out: LabelledImages
) -> dict[str, Any]:
    """Train the shipped network's smaller sister by the recipe's preset "fast"."""
    settings = MUON | {"epochs": key["epochs"], "widths": tuple(key["muon_widths"])}
    recipe = replace(PRESETS["fast"], **settings, batch=min(1000, max(8, len(training) // 4)))
    with TemporaryDirectory() as folder:
        record = cifar10_recipe.train(
            recipe, training, held_out, Path(folder) / "run", compute_of(key), key["seed"],
            quiet=True,
        )  # fmt: skip
    return {
        "accuracy": record["metrics"]["validation"]["accuracy"],
        "parameters": record["parameters"],
        "diverged": False,
    }


def recorded(rung: int) -> list[dict[str, Any]]:
    """Return the rows of the two recipes, from what they recorded."""
    fast = [row for row in zoo.experiment("cifar_time_to_94").rows if row["recipe"] == "fast"]
    record = zoo.record("cifar10", source="bundle")
    wide = "twice as wide: python -m training.cifar10 --preset fast"
    deep = "deeper and wider, cutout, averaged runs: python -m training.cifar10"
    quick = [(row["seed"], row["accuracy"]) for row in fast]
    long = [(one["seed"], one["validation_accuracy"]) for one in record["seeds"]]
    cases = [
        ("the fast recipe", wide, quick, "test, six views", PRESETS["fast"].epochs),
        ("the recipe", deep, long, "validation", None),
    ]
    sizes = (None, record["parameters"])
    return [
        {
            "rung": rung + number,
            "name": name,
            "change": change,
            "seed": seed,
            "learning_rate": None,
            "parameters": sizes[number],
            "epochs": epochs,
            "accuracy": accuracy,
            "split": split,
            "recorded": True,
        }
        for number, (name, change, values, split, epochs) in enumerate(cases)
        for seed, accuracy in values
    ]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    values = {n: [row["accuracy"] for row in rows if row["name"] == n] for n in names}
    told = ", ".join(f"{name} {percent(values[name])}" for name in names)
    return f"Accuracy on CIFAR-10, rung by rung (mean, 95 % interval): {told}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = QuickStudy(NAME, QUESTION, arguments, SEARCH)
    variants = [study.variant(IMAGES, name=name, **rung.settings) for name, rung in RUNGS.items()]
    quick = study.options.quick
    wider = {
        "name": WIDER,
        "epochs": 1 if quick else MUON["epochs"],
        "muon_widths": [4, 8, 8] if quick else list(MUON["widths"]),
        "images": min(IMAGES, len(study.everything)),
        "precision": study.precision,
        "learning_rate": PRESETS["fast"].muon_lr,  # of Muon: relative, it suits every width
    }
    changes = {name: rung.change for name, rung in RUNGS.items()}
    changes[WIDER] = "wider, Muon, smoothed labels"
    rows = []
    for number, one in enumerate(study.train([*variants, wider], run)):
        name = one.variant["name"]
        for seed, result in one.results.items():
            rows.append(
                {
                    "rung": number,
                    "name": name,
                    "change": changes[name],
                    "seed": seed,
                    "learning_rate": one.learning_rate,
                    "parameters": result["parameters"],
                    "epochs": one.variant["epochs"],
                    "accuracy": result["accuracy"],
                    "split": "validation",
                    "recorded": False,
                }
            )
    rows += recorded(len(RUNGS) + 1)
    limits = (
        "a rung may bring several small changes, and some train longer; the fast recipe's record "
        "has test images and six views of each, the others validation images and one view"
    )
    return study.conclude(rows, finding(rows), study.search.seeds, limits=limits)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
