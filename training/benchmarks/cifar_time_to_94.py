"""How long does ``--preset fast`` take on CIFAR-10, beside airbench94_muon on the same machine?

    python -m training.benchmarks.cifar_time_to_94 --data-dir DIR [--full] [--test] [--seeds 0 1 2]

airbench94_muon (K. Jordan 2024, github.com/KellerJordan/cifar10-airbench) is the fastest published
recipe for 94 % with test-time augmentation. It is written again here, for any device: at the start
of each epoch it crops and mirrors the whole data set, which lies there as floats, at once.

Without ``--full`` the parts of both are timed in turns: what an epoch prepares, and a training step
of each kind (with and without a gradient for the whitening layer, with small images and whole
ones). A training takes its parts' times times their numbers. With ``--full`` both are trained as
well, once a seed, and measured with six views: the table then shows the predicted time beside the
real one. They learn from the 45,000 training images and are measured on the 5,000 validation
images; with ``--test``, once the recipe is fixed, from all 50,000 and on the test set, which is
read once for each trained network. A training that has ended is kept in ``--out``, and the same
command goes on with the next.

The result is written to ``zoo/experiments/cifar_time_to_94.json``.

``--change NAME=VALUE …`` tries a variant of the preset, such as ``epochs=9`` or
``low_res=0.3:20,0.6:24`` (images of 20 pixels until 0.3 of the run, then of 24 until 0.6); its
result belongs elsewhere (``--folder``).

What made ``fast`` faster, and what did not, on a Xeon with AMX in bfloat16, one thread, a step of
1,000 images each. With whole images convolutions are about half of it; pooling, the activation and
BatchNorm are most of the rest. `training.cifar10.weight_gradients`, a shorter Muon and a shorter
scaling took 1.44 s, 1.42 and 1.83 (small images while whitening learns, small images, whole ones)
to 0.96, 0.88 and 1.50. SiLU takes 15.6 + 19.1 ms, forward and backward, for the activations of a
convolution of the first block where GELU takes 22.4 + 33.1, and so a step 0.08 to 0.1 s less. As it
is, it made the network worse; with inputs 1.7 times as large (`zoo.networks.cifar_net`) it is
GELU's curve, and on validation as good. Hard swish (8.3 + 10.2) was worse, as it is; it was not
tried with larger inputs. Smaller images for longer, 20 pixels first and 28 later, in 11 epochs, are
as fast, seemed as good on 5,000 validation images, and were worse on the test set (two seeds of
each of two such variants): with so few images and seeds the loss tells more than the accuracy.

What does not pay in accuracy: brightness and contrast changed at random, the mean of the last 15 to
90 steps' weights, views of 28 or 36 pixels beside the six. In time: padding 24 channels to 32 for
the matrix instructions, pooling by maxima of shifted maps (its gradient takes twice as long),
leaving out the row and column of an odd map that pooling drops (the copy costs what it saves),
GELU's approximation by tanh (twice as slow in bfloat16).
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.cifar10.cifar10_record import train_pflop
from training.cifar10.cifar10_settings import PRESETS, Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.cifar10.recipe_changes import change_recipe
from training.data import cifar_images as data
from training.data.augment_images import ImageAugmentation, normalize
from training.data.image_batches import Batch, Plan, batches
from training.engine import distributed
from training.engine.compute import PRECISIONS, ComputeConfig, choose_precision, keep_memory
from training.engine.failures import TrainingError, run_command
from training.engine.provenance import EXPERIMENTS, provenance, write_experiment
from training.engine.recipe_json import plain
from training.experiments.cells import CellGrid
from training.experiments.interval_text import percent
from training.metrics.class_predictions import measure
from zoo.command_parser import CommandParser

LIMITS = (
    "airbench94_muon is written again here. The ratio of the times is predicted from steps that "
    "took turns; the seconds of the whole trainings are not side by side. The preset was chosen on "
    "validation, after two others (smaller images for longer) had been measured on the test set "
    "with two seeds each, and had reached less than 94 %."
)

CONVOLUTIONS = (
    " On a CPU in bfloat16 the fast preset computes weight gradients of small maps with the images "
    "side by side; airbench94_muon leaves them to PyTorch, as its script does."
)
FAST = PRESETS["fast"]
# Its published settings.
AIRBENCH = Cifar10Recipe(
    epochs=8, batch=2000, keep_ratio=1.0, widths=(64, 256, 256), depth=2,
    muon_lr=0.24, muon_momentum=0.6, bias_lr=0.053, head_lr=0.67, momentum=0.85,
    weight_decay=2e-6, whiten_epochs=3.0, batch_norm_momentum=0.4, label_smoothing=0.2,
    augmentation=ImageAugmentation(flip=True, translate=2, cutout=0),
)  # fmt: skip


class Contender:
    """One of the two recipes: a network that learns, and the batches it learns from."""

    side_by_side = (
        True  # the faster gradient of `training.cifar10.weight_gradients` belongs to `fast`
    )

    def __init__(
        self,
        recipe: Cifar10Recipe,
        examples: data.LabelledImages,
        compute: ComputeConfig,
        seed: int,
    ) -> None:
        images, labels = (
            torch.from_numpy(array).to(compute.device)
            for array in (examples.images, examples.labels)
        )
        self.plan = Plan(images, labels, recipe.augmentation, recipe.batch, seed)
        self.compute = compute
        torch.manual_seed(seed)
        self.learner = CifarStudent(
            recipe, recipe.widths, recipe.depth, self.plan, compute, self.side_by_side
        )

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield an epoch's batches, as the recipe makes them."""
        return batches(self.plan, epoch, 0, self.compute.processes)

    def step(self, number: int, batch: Batch) -> None:
        """Learn from a batch; ``number`` counts the steps of the training."""
        self.learner.begin(number)
        losses, _ = self.learner.losses(*batch)
        self.learner.learn(losses)


class Airbench(Contender):
    """airbench94_muon: the same network and settings, but for ε and the head's first weights.

    Its convolutions are PyTorch's own, as in its script.
    """

    side_by_side = False

    def __init__(self, examples: data.LabelledImages, compute: ComputeConfig, seed: int) -> None:
        super().__init__(AIRBENCH, examples, compute, seed)
        network = self.learner.network
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 1e-12
        with torch.no_grad():
            network.head.reset_parameters()
            network.head.weight /= network.head.weight.std()
        coins = torch.rand(len(examples), device=compute.device) < 0.5
        inputs = normalize(self.plan.images)
        inputs = torch.where(coins[:, None, None, None], inputs.flip(3), inputs)
        self.padded = functional.pad(inputs, (2, 2, 2, 2), mode="reflect")

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Crop every image anew, mirror all of them in every other epoch, shuffle."""
        inputs = _crop_all(self.padded)
        if epoch % 2:
            inputs = inputs.flip(3)
        order = torch.randperm(len(inputs), device=inputs.device)
        for chosen in order[: self.plan.steps * self.plan.batch].split(self.plan.batch):
            batch = inputs[chosen].contiguous(memory_format=torch.channels_last)
            yield batch, self.plan.labels[chosen]


def _crop_all(padded: Tensor) -> Tensor:
    """Cut a square at a random place, one of 25, out of each image (N, 3, 36, 36)."""
    size = padded.shape[-1] - 4
    places = torch.randint(0, 5, (len(padded), 2), device=padded.device)
    cropped = padded.new_empty(len(padded), 3, size, size)
    for row in range(5):
        for column in range(5):
            here = (places[:, 0] == row) & (places[:, 1] == column)
            cropped[here] = padded[here, :, row : row + size, column : column + size]
    return cropped


@dataclass(frozen=True)
class TimedStage:
    """Steps of a training that all take the same time.

    Attributes:
        first: the number of the first of them.
        steps: how many there are.
    """

    first: int
    steps: int


def stages(learner: CifarStudent) -> list[TimedStage]:
    """Return the parts of a training between the steps where its kind of step changes."""
    changes = {0, learner.whiten_steps, *(end for end, _ in learner.sizes)}
    return [TimedStage(a, b - a) for a, b in itertools.pairwise(sorted(changes))]


@dataclass(frozen=True)
class Parts:
    """What a training is put together from, in seconds.

    Attributes:
        prepare: what an epoch takes before its first batch.
        steps: a batch and a step, for each of the training's `stages`.
    """

    prepare: float
    steps: tuple[float, ...]


def time_parts(contenders: dict[str, Contender], rounds: int) -> dict[str, Parts]:
    """Time the parts of both recipes in turns; return the medians by recipe."""
    prepared: dict[str, list[float]] = {name: [] for name in contenders}
    steps: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for number in range(rounds + 1):  # the first round warms up
        for name, contender in contenders.items():
            first, taken = _round(contender, number)
            if number:
                prepared[name].append(first)
                steps[name].append(taken)
    return {
        name: Parts(
            statistics.median(prepared[name]),
            tuple(statistics.median(column) for column in zip(*steps[name], strict=True)),
        )
        for name in contenders
    }


def _round(contender: Contender, epoch: int) -> tuple[float, list[float]]:
    """Time what an epoch prepares, and a batch and a step of each stage."""
    device = contender.compute.device
    batches = contender.batches(epoch)
    _, prepared = _timed(device, batches.__next__)
    taken = []
    for stage in stages(contender.learner):
        batch, fetched = _timed(device, batches.__next__)
        _, learned = _timed(device, partial(contender.step, stage.first, batch))
        taken.append(fetched + learned)
        prepared = max(prepared - fetched, 0.0) if stage.first == 0 else prepared
    return prepared, taken


def predict_seconds(contender: Contender, parts: Parts) -> float:
    """Return a whole training's seconds: its parts' times times their numbers."""
    numbers = [stage.steps for stage in stages(contender.learner)]
    steps = sum(n * seconds for n, seconds in zip(numbers, parts.steps, strict=True))
    return contender.learner.recipe.epochs * parts.prepare + steps


def train(contender: Contender, held: data.LabelledImages) -> dict[str, float]:
    """Train to the end; return seconds and, on the held-out images with six views, metrics."""
    start = time.perf_counter()
    step = 0
    for epoch in range(contender.learner.recipe.epochs):
        for batch in contender.batches(epoch):
            contender.step(step, batch)
            step += 1
    _synchronize(contender.compute.device)
    seconds = time.perf_counter() - start
    network = contender.learner.network
    return {"seconds": seconds} | measure(network, held, contender.compute, augmented=True)


def _timed(device: torch.device, work: Callable[[], Any]) -> tuple[Any, float]:
    _synchronize(device)
    start = time.perf_counter()
    result = work()
    _synchronize(device)
    return result, time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe(contender: Contender, parts: Parts) -> dict[str, Any]:
    """Return what every row says about a recipe: its parts, and what they add up to."""
    learner = contender.learner
    return {
        "predicted_seconds": predict_seconds(contender, parts),
        "epoch_seconds": parts.prepare,
        "stages": [asdict(stage) for stage in stages(learner)],
        "step_seconds": list(parts.steps),
        "train_pflop": train_pflop(learner.recipe, len(contender.plan.labels)),
    }


def finding(rows: Sequence[Mapping[str, Any]], ratio: float, test: bool) -> str:
    """Return what the table shows, in one sentence."""
    said = f"The fast preset takes {ratio:.2f} times the time of airbench94_muon (predicted)"
    measured = {
        name: [row["accuracy"] for row in rows if row["recipe"] == name and "accuracy" in row]
        for name in ("fast", "airbench94_muon")
    }
    if all(measured.values()):
        ours, theirs = (f"{percent(values, 2)} (n={len(values)})" for values in measured.values())
        said += (
            f" and reaches {ours} where that reaches {theirs}, with six views of each "
            f"{'test' if test else 'validation'} image"
        )
    return said + "."


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.benchmarks.cifar_time_to_94",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each kind to time")
    parser.add_argument("--full", action="store_true", help="train both to the end as well")
    parser.add_argument(
        "--test", action="store_true",
        help="train on all 50,000 images and measure on the test set",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument(
        "--airbench-seeds", type=int, nargs="+", metavar="N",
        help="of airbench94_muon (default: those of --seeds)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("runs/cifar_time_to_94"), metavar="RUN_DIR",
        help="finished trainings (default runs/cifar_time_to_94)",
    )  # fmt: skip
    parser.add_argument(
        "--change", nargs="+", default=[], metavar="NAME=VALUE",
        help="try the fast preset with other numbers; needs a --folder of its own",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, default=EXPERIMENTS, metavar="DIR")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=["auto", *PRECISIONS], default="auto")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the command line."""
    options = parse()
    if options.change and options.folder == EXPERIMENTS:
        raise TrainingError("--change tries a variant: give its result a --folder of its own.")
    fast = change_recipe(FAST, options.change)
    record = provenance(("torch",))
    keep_memory()  # of both recipes
    processes = distributed.start(options.device)
    on_gpu = processes.device.type == "cuda"
    precision = choose_precision(processes.device, options.precision)
    compute = ComputeConfig(processes, precision, compiled=on_gpu)
    training = data.load(options.data_dir, "all" if options.test else "train")
    held = data.load(options.data_dir, "test" if options.test else "validation")
    makers: dict[str, Callable[[int], Contender]] = {
        "fast": lambda seed: Contender(fast, training, compute, seed),
        "airbench94_muon": lambda seed: Airbench(training, compute, seed),
    }
    both = {name: make(options.seeds[0]) for name, make in makers.items()}
    parts = time_parts(both, options.rounds)
    predicted = {name: predict_seconds(both[name], parts[name]) for name in both}
    print(" · ".join(f"{n}: {s:.1f} s predicted" for n, s in predicted.items()), flush=True)
    facts = {name: describe(both[name], parts[name]) for name in both}
    del both
    grid = CellGrid(options.out)

    def row(name: str, seed: int) -> dict[str, Any]:
        settings = plain(fast if name == "fast" else AIRBENCH)
        key: dict[str, Any] = {"recipe": name, "settings": settings, "seed": seed}
        key |= {"test": options.test, "compute": compute.describe()}
        found = grid.cell(key, lambda: train(makers[name](seed), held))
        print(name, seed, found, flush=True)
        return {"recipe": name, "seed": seed} | found

    seeds = {"fast": options.seeds, "airbench94_muon": options.airbench_seeds or options.seeds}
    rows = [row(name, seed) for name in makers for seed in seeds[name] if options.full]
    rows = rows or [{"recipe": name} for name in makers]
    rows = [facts[row["recipe"]] | row for row in rows]
    ratio = predicted["fast"] / predicted["airbench94_muon"]
    said = finding(rows, ratio, options.test)
    path = write_experiment(
        "cifar_time_to_94",
        question="Is the fast preset no slower than airbench94_muon on the same machine?",
        finding=said,
        rows=rows,
        record=record | {"compute": compute.describe()},
        seeds=options.seeds if options.full else options.seeds[:1],
        folder=options.folder,
        ratio=round(ratio, 4),
        measured_on=f"CIFAR-10, {len(held):,} {'test' if options.test else 'validation'} images",
        cell_commits=sorted(grid.commits),
        limits=LIMITS + CONVOLUTIONS,
        **({"change": options.change} if options.change else {}),
    )
    print(f"{path}: {said}")
    return 0


if __name__ == "__main__":
    run_command(main)
