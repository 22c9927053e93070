"""Average the weights of a finished Carvana run with those of the run that went on from it.

    python -m training.average_weights --begin-with RUN --with RUN2 --data-dir DIR --out RUN3

A second part that learns from other pictures (``--preset finish``) gains on those and loses a
little on the first part's. Between the two sets of weights lie networks that have most of both
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903). The statistics
of BatchNorm are measured anew, on the second part's training pictures: those of two networks
averaged fit neither.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.carvana import PACKAGES, Recipe, read_sources
from training.carvana_record import begin_with, config, describe_run
from training.checkpoint import as_array
from training.data.augment_car_photos import PhotoAugmentation
from training.data.augment_cars import CarAugmentation, Sources
from training.data.car_batches import CarPlan, batches
from training.data.light import Light
from training.distributed import Processes
from training.errors import TrainingError, run_command
from training.export import write_model
from training.files import read_json
from training.machine import Machine
from training.predict_masks import Held
from training.records import provenance
from training.run import finish
from training.statistics import SEED, forget_statistics
from zoo.networks.unet import UNet

BATCHES = 30  # from which the statistics come


SCALES = (".mix_bn.weight", ".mix_bn.bias")  # of what a `Context` block adds


def average(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return (1 − share) · first + share · second; whole numbers are the second's.

    Blocks that only the second has count as blocks that add nothing in the first: of them what
    they add is scaled by ``share``, and all else is the second's.
    """
    mixed = {}
    for name, value in second.items():
        if name in first and value.is_floating_point():
            mixed[name] = torch.lerp(first[name], value, share)
        else:
            mixed[name] = value * share if name.endswith(SCALES) else value
    return mixed


def measure_statistics(
    network: nn.Module, sources: Sources, recipe: Recipe, machine: Machine, count: int = BATCHES
) -> None:
    """Set the running statistics of all BatchNorms to those of fresh training pictures.

    Args:
        network: on the machine's device; left in evaluation mode.
        sources: what pictures are made from.
        recipe: how; its last part counts.
        machine: how to compute.
        count: batches, all with the same weight.
    """
    forget_statistics(network)
    size, plan = recipe.batch, CarPlan(sources, SEED)
    schedule = [
        (range(size * i, size * (i + 1)), recipe.mix_at(recipe.total_steps - 1))
        for i in range(count)
    ]
    with torch.no_grad():
        for batch in batches(plan, schedule, machine.device):
            network(batch.inputs)
    network.eval()


def read_recipe(record: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a record describes."""

    def tuples(values: Mapping[str, Any]) -> dict[str, Any]:
        return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}

    values = tuples(record["recipe"])
    kinds = {
        "small": CarAugmentation, "augmentation": CarAugmentation, "photos": PhotoAugmentation,
    }  # fmt: skip
    for name, kind in kinds.items():
        if name in values:
            light = Light(**tuples(values[name]["light"]))
            values[name] = kind(**tuples(values[name]) | {"light": light})
    return Recipe(**values)


def run(
    first: Path, second: Path, share: float, sources: Sources, held: Held, out: Path,
    machine: Machine,
) -> dict[str, Any]:  # fmt: skip
    """Average two runs, write the result to ``out`` as a model folder, and return its record.

    Args:
        first: the folder of the run that ``second`` began with.
        second: the folder of the later run.
        share: of the second run's weights, in [0, 1].
        sources: training pictures, for the statistics.
        held: validation pictures.
        out: the new folder.
        machine: how to compute.

    Raises:
        TrainingError: if a folder holds no finished run, or the second did not begin with the
            first.
    """
    try:
        record = read_json(second / "record.json")
        recipe, began = read_recipe(record), record["first_weights"]
        earlier = hashlib.sha256((first / "model.safetensors").read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainingError(f"{second} did not begin with the run in {first}.") from None
    if earlier != began:
        raise TrainingError(f"{second} began with other weights than those in {first}.")
    network = UNet(recipe.widths, recipe.skips, recipe.context)
    identity = {key: record[key] for key in ("recipe", "seed", "photos")}
    before = begin_with(network, second, identity)
    weights = average(
        load_file(first / "model.safetensors"), load_file(second / "model.safetensors"), share
    )
    network.load_state_dict(weights)
    network.to(machine.device)
    measure_statistics(network, sources, recipe, machine)
    identity |= {"first_weights": began, "second_weights": before.pop("weights"), "share": share}
    progress = {
        "identity": identity,
        "record": provenance(PACKAGES) | {"machine": machine.describe(), "began_with": before},
        "history": [],
    }
    made = describe_run(recipe, network, progress, held, machine) | {
        "selection": f"between the weights of two runs, {share:g} of the way; the threshold with "
        "the best mean IoU on the validation cars",
    }
    arrays = {name: as_array(value) for name, value in network.state_dict().items()}
    write_model(out, arrays, config(recipe, made), made)
    return made


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--begin-with", type=Path, required=True, metavar="RUN")
    parser.add_argument("--with", type=Path, required=True, metavar="RUN", dest="second")
    parser.add_argument("--share", type=float, default=0.5, help="of the second (default 0.5)")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN_DIR")
    parser.add_argument("--export", action="store_true", help="put it into zoo/bundle/")
    options = parser.parse_args()
    if not 0 <= options.share <= 1:
        parser.error("--share is a fraction, from 0 to 1")
    sources, held = read_sources(options.data_dir)
    machine = Machine(Processes(0, 1, torch.device("cpu")))
    record = run(
        options.begin_with, options.second, options.share, sources, held, options.out, machine
    )
    print({name: round(values["iou"], 4) for name, values in record["metrics"].items()})
    if options.export:
        print(f"exported to {finish({record['seed']: options.out}, options.data_dir)}")
    return 0


if __name__ == "__main__":
    run_command(main)
