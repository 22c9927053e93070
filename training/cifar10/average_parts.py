"""Average the weights of the parts of a CIFAR-10 run, each of which went on from the one before.

    python -m training.cifar10.average_parts --runs RUN --runs RUN2 --runs RUN3 --data-dir DIR --out
    RUN4

Each part begins with high learning rates and ends with low ones, and ends at another edge of the
same valley; the middle of the valley generalizes better (Izmailov et al. 2018, "Averaging weights
leads to wider optima and better generalization", arXiv 1803.05407).

The statistics of BatchNorm are measured anew, as the last part measured them: on the half of each
batch that its proxy finds hardest. They must be those of the images learned from; what is lost
otherwise shows with ``--all-images``, also for a single part (one ``--runs``).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import update_bn

from training.cifar10.cifar10_recipe import PACKAGES
from training.cifar10.cifar10_record import (
    calibrate_network,
    config,
    describe_run,
    initialize_from,
    take_calibration,
)
from training.cifar10.cifar10_settings import Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.data import cifar_images as data
from training.data.image_batches import Plan, batches
from training.engine.checkpoint import CHECKPOINT, as_array, load_checkpoint
from training.engine.compute import PRECISIONS, ComputeConfig, choose_precision
from training.engine.distributed import Processes
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json
from training.engine.model_folder import write_model
from training.engine.options import add_results
from training.engine.provenance import provenance
from training.engine.recipe_json import read_recipe
from training.engine.run_folder import check_writable
from training.finish import finish, prepare
from training.metrics.class_predictions import measure
from zoo.networks.cifar_net import CifarNet

BATCHES = 20  # of candidates; from a part of each come the statistics
SEED = 99  # of those batches: other augmentations than a run's own


def mean(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of several networks' weights; whole numbers are the last one's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0)
        if value.is_floating_point()
        else value
        for name, value in states[-1].items()
    }


def measure_statistics(
    network: CifarNet,
    proxy: CifarStudent | None,
    recipe: Cifar10Recipe,
    plan: Plan,
    compute: ComputeConfig,
) -> None:
    """Set the running statistics of all BatchNorms to those of the images learned from.

    Args:
        network: on the machine's device; left in evaluation mode.
        proxy: what selected the images at the end, None if nothing did.
        recipe: of the last part.
        plan: the training images, with the augmentation of the last part.
        compute: how to compute.
    """

    def images() -> Iterator[Tensor]:
        for inputs, labels in islice(batches(plan, 0, 0, compute.processes), BATCHES):
            if proxy is not None:
                losses, _ = proxy.losses(inputs, labels)
                inputs = inputs[losses.topk(round(recipe.keep_ratio * len(labels))).indices]
            yield inputs.contiguous(memory_format=torch.channels_last)

    with compute.autocast():
        update_bn(images(), network)
    network.eval()


def run(
    folders: Sequence[Path], training: data.LabelledImages, validation: data.LabelledImages | None,
    out: Path, compute: ComputeConfig, calibrated_by: Path | None = None, data_dir: Path | None =
    None, all_images: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Average the parts of a run, write the result to ``out``, and return its record.

    Args:
        folders: of the finished parts, in the order of training.
        training: the images of the last part.
        validation: images that no part has learned from, or None if the last one has.
        out: the new folder.
        compute: how to compute.
        calibrated_by: where ``validation`` is None, the average of parts that saw none of them,
            whose temperature and threshold for out-of-distribution images it takes.
        data_dir: where MNIST may be, for out-of-distribution images.
        all_images: take BatchNorm's statistics from all images, not from the hardest.

    Raises:
        TrainingError: if a folder holds no finished run, or one did not begin with the one before.
    """
    states, last, before = read_parts(folders)
    if last["images"] != len(training):
        raise TrainingError(
            f"{folders[-1]} learned from {last['images']:,} images, not {len(training):,}; "
            "--final is for parts that learned from the validation images too."
        )
    recipe = read_recipe(Cifar10Recipe, last["recipe"])
    network = CifarNet(recipe.widths, recipe.depth)
    network.load_state_dict(mean(states))
    network = network.to(compute.device).to(memory_format=torch.channels_last)
    images, labels = (
        torch.from_numpy(a).to(compute.device) for a in (training.images, training.labels)
    )
    plan = Plan(images, labels, recipe.augmentation, recipe.batch, SEED)
    proxy = None if all_images else read_proxy(folders[-1], recipe, plan, compute)
    measure_statistics(network, proxy, recipe, plan, compute)
    progress = {
        "identity": {key: last[key] for key in ("recipe", "seed", "images")},
        "record": provenance(PACKAGES) | {"compute": compute.describe(), "init_from": before},
        "history": [],
    }
    record = describe_run(recipe, network, progress, 0) | {
        "train_pflop": before["train_pflop"],
        "selection": f"the mean of the weights of {len(folders)} parts",
    }
    if validation is not None:
        accuracy = measure(network, validation, compute)["accuracy"]
        record["metrics"] = {"validation": {"accuracy": accuracy, "n": len(validation)}}
        record |= calibrate_network(network, validation, compute, data_dir)
    elif calibrated_by is not None:
        record |= take_calibration(network, calibrated_by, recipe, compute, data_dir)
    arrays = {name: as_array(value) for name, value in network.state_dict().items()}
    write_model(out, arrays, config(network, record), record)
    return record


def read_parts(
    folders: Sequence[Path],
) -> tuple[list[dict[str, Tensor]], dict[str, Any], dict[str, Any]]:
    """Return all parts' weights, the last part's record, and what a later record keeps of it."""
    states: list[dict[str, Tensor]] = []
    record: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for folder in folders:
        try:
            record = read_json(folder / "record.json")
            recipe = read_recipe(Cifar10Recipe, record["recipe"])
        except (OSError, ValueError, KeyError, TypeError):
            raise TrainingError(f"{folder} holds no finished CIFAR-10 run.") from None
        if states and record.get("first_weights") != kept["weights"]:
            raise TrainingError(
                f"{folder} did not begin with the run given before it; name the parts in the "
                "order in which they were trained."
            )
        network = CifarNet(recipe.widths, recipe.depth)
        kept = initialize_from(network, folder, record)
        states.append(network.state_dict())
    return states, record, kept


def read_proxy(
    folder: Path, recipe: Cifar10Recipe, plan: Plan, compute: ComputeConfig
) -> CifarStudent | None:
    """Return the proxy as it was at the end of a run, None if the run had none."""
    if recipe.keep_ratio == 1:
        return None
    proxy = CifarStudent(recipe, recipe.proxy_widths, 2, plan, compute)
    groups, _ = load_checkpoint(folder / CHECKPOINT)
    proxy.load_state({"network": groups["proxy-network"]})
    proxy.network.train()  # as it was when it selected
    return proxy


def main() -> int:
    """Run the command line."""
    options = parse()
    prepare(options)
    check_writable(options.out)
    compute = ComputeConfig(
        Processes(0, 1, torch.device("cpu")),
        choose_precision(torch.device("cpu"), options.precision),
    )
    training = data.load(options.data_dir, "all" if options.final else "train")
    validation = None if options.final else data.load(options.data_dir, "validation")
    record = run(
        options.parts, training, validation, options.out, compute, options.calibrated_by,
        options.data_dir, options.all_images,
    )  # fmt: skip
    print({part: values["accuracy"] for part, values in record["metrics"].items()})
    finish(options, {record["seed"]: options.out})
    return 0


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.cifar10.average_parts", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--runs", type=Path, required=True, metavar="RUN", dest="parts", action="append",
        help="a finished part; once for each, in the order of training",
    )  # fmt: skip
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN_DIR")
    parser.add_argument(
        "--all-images", action="store_true",
        help="measure BatchNorm's statistics on all images: a comparison, worse on purpose",
    )  # fmt: skip
    parser.add_argument(
        "--final", action="store_true", help="the last part learned from all 50,000 images"
    )
    parser.add_argument(
        "--calibrated-by", type=Path, metavar="RUN",
        help="for --final: the average of the parts before, whose calibration to take",
    )  # fmt: skip
    parser.add_argument("--precision", choices=["auto", *PRECISIONS], default="auto")
    add_results(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
