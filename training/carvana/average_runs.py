"""Average the weights of a finished Carvana run with those of the run that went on from it.

    python -m training.carvana.average_runs --init-from RUN --runs RUN2 --data-dir DIR --out RUN3

A second part that learns from other images (``--preset finish``) gains on those and loses a
little on the first part's. Between the two sets of weights lie networks that have most of both
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903). The statistics
of BatchNorm are measured anew, on the second part's training images: those of two networks
averaged fit neither.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from training.carvana.carvana_recipe import PACKAGES, read_sources
from training.carvana.carvana_record import config, describe_run, initialize_from
from training.carvana.carvana_settings import CarvanaRecipe
from training.data.augment_cars import TrainingSources
from training.data.car_batches import CarPlan, batches
from training.engine.checkpoint import as_array
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json
from training.engine.model_folder import write_model
from training.engine.options import add_results
from training.engine.provenance import provenance
from training.engine.recipe_json import read_recipe
from training.engine.run_folder import check_writable
from training.finish import finish, prepare
from training.metrics.mask_predictions import ValidationSet
from zoo.networks.segmentation.unet import UNet

BATCHES = 30  # from which the statistics come
SEED = 99  # of those batches: other augmentations than a run's own
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
    network: nn.Module,
    sources: TrainingSources,
    recipe: CarvanaRecipe,
    compute: ComputeConfig,
    count: int = BATCHES,
) -> None:
    """Set the running statistics of all BatchNorms to those of fresh training images.

    Args:
        network: on the machine's device; left in evaluation mode.
        sources: what images are made from.
        recipe: how; its last part counts.
        compute: how to compute.
        count: batches, all with the same weight.
    """
    size, plan = recipe.batch, CarPlan(sources, SEED)
    schedule = [
        (range(size * i, size * (i + 1)), recipe.augmentation_at(recipe.total_steps - 1))
        for i in range(count)
    ]
    update_bn((batch.inputs for batch in batches(plan, schedule, compute.device)), network)
    network.eval()


def run(
    first: Path, second: Path, share: float, sources: TrainingSources, held: ValidationSet, out:
    Path, compute: ComputeConfig,
) -> dict[str, Any]:  # fmt: skip
    """Average two runs, write the result to ``out`` as a model folder, and return its record.

    Args:
        first: the folder of the run that ``second`` began with.
        second: the folder of the later run.
        share: of the second run's weights, in [0, 1].
        sources: training images, for the statistics.
        held: validation images.
        out: the new folder.
        compute: how to compute.

    Raises:
        TrainingError: if a folder holds no finished run, or the second did not begin with the
            first.
    """
    try:
        record = read_json(second / "record.json")
        recipe, began = read_recipe(CarvanaRecipe, record["recipe"]), record["first_weights"]
        earlier = hashlib.sha256((first / "model.safetensors").read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainingError(f"{second} did not begin with the run in {first}.") from None
    if earlier != began:
        raise TrainingError(f"{second} began with other weights than those in {first}.")
    network = UNet(recipe.widths, recipe.skips, recipe.context)
    identity = {key: record[key] for key in ("recipe", "seed", "photos")}
    before = initialize_from(network, second, identity)
    weights = average(
        load_file(first / "model.safetensors"), load_file(second / "model.safetensors"), share
    )
    network.load_state_dict(weights)
    network.to(compute.device)
    measure_statistics(network, sources, recipe, compute)
    identity |= {"first_weights": began, "second_weights": before.pop("weights"), "alpha": share}
    progress = {
        "identity": identity,
        "record": provenance(PACKAGES) | {"compute": compute.describe(), "init_from": before},
        "history": [],
    }
    made = describe_run(network, progress, held, compute) | {
        "selection": f"between the weights of two runs, {share:g} of the way; the threshold with "
        "the best mean IoU on the validation cars",
    }
    arrays = {name: as_array(value) for name, value in network.state_dict().items()}
    write_model(out, arrays, config(network, made["threshold"]), made)
    return made


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.carvana.average_runs", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--init-from", type=Path, required=True, metavar="RUN")
    parser.add_argument("--runs", type=Path, required=True, metavar="RUN", dest="second")
    parser.add_argument("--alpha", type=float, default=0.5, help="of the second (default 0.5)")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN_DIR")
    add_results(parser)
    options = parser.parse_args()
    if not 0 <= options.alpha <= 1:
        parser.error("--alpha is a fraction, from 0 to 1")
    prepare(options)
    check_writable(options.out)
    sources, held = read_sources(options.data_dir)
    compute = ComputeConfig(Processes(0, 1, torch.device("cpu")))
    record = run(
        options.init_from, options.second, options.alpha, sources, held, options.out, compute
    )
    print({name: round(values["iou"], 4) for name, values in record["metrics"].items()})
    finish(options, {record["seed"]: options.out})
    return 0


if __name__ == "__main__":
    run_command(main)
