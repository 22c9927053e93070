"""Train a convolutional network on CIFAR-10.

    python -m training.cifar10 --data-dir DIR --out runs/cifar10 [--preset fast] [--final]
    torchrun --nproc-per-node=2 -m training.cifar10 …

One network, one view of each image, no ensemble. What it reaches is in
``zoo/bundle/cifar10/record.json``.

The recipe, top to bottom. A first layer that whitens 2 × 2 patches, computed from the data, and
three blocks of convolutions (`zoo.networks.cifar_net`). Alternating flip, translation, cutout. A
small proxy network is trained alongside; once it has learned something, it answers every image
first, and the large network learns only from the half that the proxy finds hardest: the easy half
would cost as much and teach little.
Cross-entropy with label smoothing; Muon for the convolutions, Nesterov SGD for the shifts and the
head; all learning rates fall linearly to zero. The weights after the last step are the result.

Where this comes from: K. Jordan's airbench (arXiv 2404.00498; github.com/KellerJordan/
cifar10-airbench). ``fast`` has the network of airbench94_muon, sees small images first
(progressive resizing: J. Howard's DAWNBench entry, 2018; Tan & Le 2021, arXiv 2104.00298) and
smaller batches. ``best`` puts
together the residual blocks, augmentation and proxy of airbench96_faster and Muon, with the
learning rates and the decay lowered by the same factor, 0.78, as from airbench94 to airbench96.
Its network is sized for 4.8 million float32 parameters (under 20 MB) and its length for a few
hours on two CPU cores.

``--init-from RUN`` begins with the weights of a finished run instead of random ones; the preset
``finish`` is for that, and makes a further part of a run that had to be cut short. The mean of the
parts' weights is better than each of them: `training.cifar10.average_parts`.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from training.cifar10.cifar10_record import (
    calibrate_network,
    config,
    describe_run,
    init_from,
    plain,
    take_calibration,
    train_pflop,
)
from training.data import cifar_images as data
from training.data.augment_images import ImageAugmentation, normalize, shrink
from training.data.image_batches import Batch, Plan, batches
from training.engine import distributed
from training.engine.checkpoint import as_array, restore, save_checkpoint
from training.engine.compute import ComputeConfig, add_compute, choose_precision
from training.engine.distributed import Processes
from training.engine.failures import TrainingError, diverged
from training.engine.init_from import add_init_from
from training.engine.model_folder import write_model
from training.engine.muon import Muon
from training.engine.options import (
    CHECKPOINT,
    add_arguments,
    add_presets,
    chosen,
    finish,
    run_folders,
)
from training.engine.provenance import git_commit, provenance
from training.metrics.class_predictions import measure
from zoo.networks.cifar_net import CifarNet, whitening_filters

PACKAGES = ("numpy", "safetensors", "torch")
CHECKPOINT_SECONDS = 180.0  # at most this long between checkpoints, plus a few steps
CHECK_EVERY = 5  # steps between looks at the loss: each makes a GPU wait
SUMS = ("loss", "correct", "seen")  # over the images learned from in an epoch


@dataclass(frozen=True)
class Cifar10Recipe:
    """Everything that decides the result, apart from the data and the seed.

    Learning rates of SGD and the weight decay are for the sum, not the mean, of a batch's losses,
    so that they need no change when the batch does.
    """

    epochs: int = 40
    batch: int = 2000
    keep_ratio: float = 0.5  # the share of each batch that the large network learns from
    widths: tuple[int, int, int] = (128, 288, 320)
    depth: int = 3
    proxy_widths: tuple[int, int, int] = (32, 64, 64)
    proxy_interval: int = 4  # the proxy learns from every fourth batch
    selection_start: float = 0.3  # the share of the run after which the proxy selects
    muon_lr: float = 0.19
    muon_momentum: float = 0.6
    bias_lr: float = 0.042
    head_lr: float = 0.52
    momentum: float = 0.85
    weight_decay: float = 1.6e-6  # a step and image, for shifts and head
    whiten_epochs: float = 3.0  # how long the whitening layer's shift is learned
    low_res_fraction: float = 0.0  # the share of the run in which images are shrunk …
    low_res_size: int = 24  # … to this side, in pixels
    batch_norm_momentum: float = 0.1
    label_smoothing: float = 0.2
    augmentation: ImageAugmentation = field(
        default_factory=lambda: ImageAugmentation(translate=4, cutout=10)
    )


PRESETS = {
    "best": Cifar10Recipe(),
    # Half its epochs see images of 24 × 24, at 0.55 of the arithmetic: ten cost as much as eight.
    # Muon's updates have a fixed size, so its rate falls with the root of the batch.
    "fast": Cifar10Recipe(
        epochs=10,
        batch=1000,
        keep_ratio=1.0,
        widths=(64, 256, 256),
        depth=2,
        muon_lr=0.17,
        bias_lr=0.053,
        head_lr=0.67,
        weight_decay=2e-6,
        low_res_fraction=0.5,
        batch_norm_momentum=0.2,
        augmentation=ImageAugmentation(translate=2),
    ),
    # Learning rates from half the height of ``best``. Its own proxy begins anew, and learns the
    # easy images in a tenth of the run.
    "finish": Cifar10Recipe(
        epochs=20,
        selection_start=0.1,
        muon_lr=0.1,
        bias_lr=0.022,
        head_lr=0.27,
        whiten_epochs=0.0,
    ),
}


class Learner:
    """A network, its two optimizers and their schedules."""

    def __init__(
        self,
        recipe: Cifar10Recipe,
        widths: tuple[int, int, int],
        depth: int,
        plan: Plan,
        compute: ComputeConfig,
    ) -> None:
        self.recipe, self.compute = recipe, compute
        self.total_steps = recipe.epochs * plan.steps
        self.whiten_steps = min(round(recipe.whiten_epochs * plan.steps), self.total_steps)
        self.small_steps = round(recipe.low_res_fraction * self.total_steps)
        self.shrinks = False
        network = CifarNet(widths, depth)
        examples = normalize(plan.images[:5000].cpu())
        network.whiten.weight.data.copy_(whitening_filters(examples))
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = recipe.batch_norm_momentum
        self.network = network.to(compute.device).to(memory_format=torch.channels_last)
        if compute.compiled:
            self.network.compile()
        self._make_optimizers()

    def _make_optimizers(self) -> None:
        recipe, network = self.recipe, self.network
        trained = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
        self.whiten_shift = next(p for n, p in trained if n == "whiten.bias")
        kernels = [p for _, p in trained if p.ndim == 4]
        shifts = [p for n, p in trained if p.ndim == 1 and not n.startswith("whiten")]
        decay = recipe.weight_decay * recipe.batch * recipe.keep_ratio
        groups = [
            {"params": group, "lr": rate, "weight_decay": decay / rate}  # decays by `decay` a step
            for group, rate in (
                ([self.whiten_shift], recipe.bias_lr),
                (shifts, recipe.bias_lr),
                ([network.head.weight], recipe.head_lr),
            )
        ]
        self.muon = Muon(kernels, lr=recipe.muon_lr, momentum=recipe.muon_momentum)
        self.sgd = torch.optim.SGD(groups, lr=1.0, momentum=recipe.momentum, nesterov=True)
        self.top_activations = [group["lr"] for group in self._groups()]

    def _groups(self) -> list[dict[str, Any]]:
        return [*self.sgd.param_groups, *self.muon.param_groups]

    def losses(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each image's loss (N,) and the logits (N, 10), both float32."""
        if self.shrinks:
            inputs = shrink(inputs, self.recipe.low_res_size)
        with self.compute.autocast():
            logits = self.network(inputs)
        logits = logits.float()
        losses = functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=self.recipe.label_smoothing
        )
        return losses, logits

    def begin(self, step: int) -> float:
        """Set the learning rates and the images' size for a step; return Muon's rate."""
        left = 1 - step / self.total_steps
        whiten_left = max(0.0, 1 - step / max(self.whiten_steps, 1))
        shares = [whiten_left] + [left] * (len(self.top_activations) - 1)
        for group, peak, share in zip(self._groups(), self.top_activations, shares, strict=True):
            group["lr"] = peak * share
        # Once its shift stands still, nothing below the first block needs a gradient.
        self.whiten_shift.requires_grad_(step < self.whiten_steps)
        self.shrinks = step < self.small_steps
        self.network.train()
        return float(self.muon.param_groups[0]["lr"])

    def learn(self, losses: Tensor) -> None:
        """Take one step down the sum of the losses of all processes."""
        share = len(losses) * self.compute.processes.count  # the average makes it a sum again
        (losses.mean() * share).backward()
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        buffers = [b for b in self.network.buffers() if b.is_floating_point()]
        self.compute.processes.average([*gradients, *buffers])
        self.muon.step()
        self.sgd.step()
        self.network.zero_grad(set_to_none=True)

    def state(self) -> dict[str, dict[str, NDArray]]:
        """Return copies of everything that changes, in named groups of arrays."""
        momenta = {
            f"{kind}.{number}": state["momentum_buffer"]
            for kind, optimizer in (("muon", self.muon), ("sgd", self.sgd))
            for number, state in optimizer.state_dict()["state"].items()
            if state.get("momentum_buffer") is not None
        }
        groups = {"network": self.network.state_dict(), "momentum": momenta}
        return {name: {k: as_array(v) for k, v in group.items()} for name, group in groups.items()}

    def load_state(self, state: dict[str, dict[str, NDArray]]) -> None:
        """Take back what `state` returned."""
        self.network.load_state_dict({k: torch.from_numpy(v) for k, v in state["network"].items()})
        for kind, optimizer in (("muon", self.muon), ("sgd", self.sgd)):
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            for number, parameter in enumerate(parameters):
                keep_ratio = state.get("momentum", {}).get(f"{kind}.{number}")
                if keep_ratio is not None:
                    buffer = torch.empty_like(parameter).copy_(torch.from_numpy(keep_ratio))
                    optimizer.state[parameter]["momentum_buffer"] = buffer.detach()


def train(
    recipe: Cifar10Recipe,
    training: data.LabelledImages,
    validation: data.LabelledImages | None,
    out: Path,
    compute: ComputeConfig,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
    calibrated_by: Path | None = None,
    data_dir: Path | None = None,
    init_from: Path | None = None,
) -> dict[str, Any]:
    """Train one network, write it to ``out`` as a model folder, and return its record.

    A checkpoint is written after every epoch, and in between every few minutes. What is random in
    a step depends on the seed, the epoch and the step alone, so that a run that was killed and
    resumed ends with the same weights, bit for bit, on the same machine. On another machine, or
    with another number of threads, it goes on too, and ends with weights that differ by rounding;
    the record says so.

    Args:
        recipe: what to do.
        training: images to learn from.
        validation: images to measure after each epoch, or None for a final run.
        out: the run's folder.
        compute: how to compute.
        seed: of the initial weights and everything drawn.
        resume: go on from the checkpoint in ``out``, if there is one.
        quiet: print nothing.
        calibrated_by: for a final run, the folder of the validation run with the same recipe,
            whose temperature and threshold for out-of-distribution images it takes.
        data_dir: where MNIST may be, for out-of-distribution images.
        init_from: the folder of a finished run whose weights this one begins with. Its record
            becomes part of this run's.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    run = _Run(recipe, training, validation, out, compute, seed, quiet)
    if init_from is not None:
        run.init_from(init_from)
    run.restore(resume)
    while run.step < run.main.total_steps:
        run.train_epoch()
    network = run.main.network
    record = describe_run(recipe, network, run.progress, len(validation or ()))
    if validation is not None:
        record |= calibrate_network(network, validation, compute, data_dir)
    elif calibrated_by is not None:
        record |= take_calibration(network, calibrated_by, recipe, compute, data_dir)
    if compute.processes.is_main:
        weights = {name: as_array(value) for name, value in network.state_dict().items()}
        write_model(out, weights, config(network, record), record)
    compute.processes.barrier()
    return record


class _Run:
    """A training run: what it holds between steps, and how it goes through an epoch."""

    def __init__(
        self,
        recipe: Cifar10Recipe,
        training: data.LabelledImages,
        validation: data.LabelledImages | None,
        out: Path,
        compute: ComputeConfig,
        seed: int,
        quiet: bool,
    ) -> None:
        self.recipe, self.validation, self.compute, self.seed = recipe, validation, compute, seed
        self.quiet = quiet or not compute.processes.is_main
        self.checkpoint = out / CHECKPOINT
        images, labels = (
            torch.from_numpy(a).to(compute.device) for a in (training.images, training.labels)
        )
        self.plan = Plan(images, labels, recipe.augmentation, recipe.batch, seed)
        if recipe.batch > len(training) or recipe.batch % compute.processes.count:
            raise TrainingError(
                f"A batch of {recipe.batch} does not suit {len(training)} images and "
                f"{compute.processes.count} processes."
            )
        torch.manual_seed(seed)  # the initial weights
        self.main = Learner(recipe, recipe.widths, recipe.depth, self.plan, compute)
        self.proxy = None
        if recipe.keep_ratio < 1:
            self.proxy = Learner(recipe, recipe.proxy_widths, 2, self.plan, compute)
        self.step = 0
        self.partial: dict[str, float] = {}  # sums over the epoch so far
        self.saved = time.monotonic()
        self.progress: dict[str, Any] = {
            "identity": {
                "recipe": plain(recipe), "seed": seed, "images": len(training),
            },
            "history": [],
            "record": provenance(PACKAGES) | {"compute": compute.describe()},
        }  # fmt: skip

    @property
    def epoch(self) -> int:
        """The number, from 1, of the epoch that is going on."""
        return len(self.progress["history"]) + 1

    def init_from(self, folder: Path) -> None:
        """Take the weights of a finished run instead of random ones, and keep its record."""
        earlier = init_from(self.main.network, folder, self.progress["identity"])
        self.progress["identity"]["first_weights"] = earlier.pop("weights")
        self.progress["record"]["init_from"] = earlier

    def restore(self, resume: bool) -> None:
        """Go on from the checkpoint, or make sure that there is none."""
        found = restore(self.checkpoint, self.progress["identity"], resume)
        if found is None:
            return
        groups, progress = found
        for name, learner in self._learners():
            prefix = f"{name}-"
            own = {k.removeprefix(prefix): v for k, v in groups.items() if k.startswith(prefix)}
            learner.load_state(own)
        self.progress, self.step, self.partial = progress, progress["step"], progress["partial"]
        resumed = {"git_commit": git_commit(), "compute": self.compute.describe()}
        progress.setdefault("resumed", []).append(resumed)

    def _learners(self) -> list[tuple[str, Learner]]:
        return [("main", self.main), *([("proxy", self.proxy)] if self.proxy else [])]

    def save(self) -> None:
        """Write a checkpoint, unless the weights are no longer numbers."""
        for _, learner in self._learners():
            if not all(torch.isfinite(p).all() for p in learner.network.parameters()):
                raise diverged("weights", math.nan, self.epoch)
        if self.compute.processes.is_main:
            groups = {
                f"{name}-{group}": arrays
                for name, learner in self._learners()
                for group, arrays in learner.state().items()
            }
            self.progress |= {"step": self.step, "partial": self.partial}
            save_checkpoint(self.checkpoint, groups, self.progress)
        self.saved = time.monotonic()

    def train_epoch(self) -> None:
        """Go through the epoch, or what is left of it; note its metrics; write a checkpoint."""
        epoch, first = divmod(self.step, self.plan.steps)
        start = time.perf_counter() - self.partial.get("seconds", 0.0)
        counted = [self.partial.get(name, 0.0) for name in SUMS]
        sums = torch.tensor(counted, device=self.compute.device)
        rate, loading = 0.0, (self.compute.processes, self.compute.workers)
        with tqdm(
            total=self.main.total_steps, initial=self.step, leave=False, unit="step",
            desc=f"epoch {epoch + 1}/{self.recipe.epochs}", disable=self.quiet or None,
        ) as bar:  # fmt: skip
            for inputs, labels in batches(self.plan, epoch, first, *loading):
                rate = self.main.begin(self.step)
                inputs, labels = self.hardest(inputs, labels)
                losses, logits = self.main.losses(inputs, labels)
                self.main.learn(losses)
                correct = (logits.argmax(dim=1) == labels).sum()
                sums += torch.stack([losses.detach().sum(), correct, torch.ones_like(labels).sum()])
                self.step += 1
                bar.update()
                if self.step % CHECK_EVERY == 0:
                    loss = self._check(sums)
                    bar.set_postfix(loss=f"{loss:.3f}", accuracy=f"{sums[1] / sums[2]:.3f}")
                    if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
                        self.partial = dict(zip(SUMS, sums.tolist(), strict=True))
                        self.partial["seconds"] = time.perf_counter() - start
                        self.save()
        self._check(sums)
        seconds = time.perf_counter() - start
        self._end_epoch(epoch, rate, seconds, sums)

    def _end_epoch(self, epoch: int, rate: float, seconds: float, sums: Tensor) -> None:
        self.compute.processes.average([sums])
        loss, correct, seen = sums.tolist()
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": rate}
        row["seconds"] = round(seconds, 2)
        row["train"] = {"loss": loss / seen, "accuracy": correct / seen}
        if self.validation is not None:
            row["validation"] = measure(self.main.network, self.validation, self.compute)
        self.progress["history"].append(row)
        self.partial = {}
        self.save()
        if not self.quiet:
            print(_line(row, self.recipe.epochs), flush=True)

    def _check(self, sums: Tensor) -> float:
        """Return the mean loss so far, over all processes, which must be a number."""
        total = sums[:1].float()
        self.compute.processes.average([total])  # all processes stop, or none
        loss = float(total) / float(sums[2])
        if not math.isfinite(loss):
            raise diverged("loss", loss, self.epoch)
        return loss

    def hardest(self, inputs: Tensor, labels: Tensor) -> Batch:
        """Return the part of the batch that the proxy answers worst, and let the proxy learn.

        The proxy is far smaller, so asking it costs little, and what is hard for it is hard for
        the large network (Coleman et al. 2020, "Selection via proxy", arXiv 1906.11829). Early on
        nothing is easy yet, and "hardest" would mean the classes that the proxy happens not to
        name; until `Recipe.selection_start` the part is a random one (the batch is shuffled).
        """
        if self.proxy is None:
            return inputs, labels
        keep_ratio = round(self.recipe.keep_ratio * len(labels))
        learns = self.step % self.recipe.proxy_interval == 0
        if self.step < self.recipe.selection_start * self.main.total_steps:
            inputs, labels = inputs[:keep_ratio], labels[:keep_ratio]
            if learns:
                self.proxy.begin(self.step)
                self.proxy.learn(self.proxy.losses(inputs, labels)[0])
            return inputs, labels
        self.proxy.begin(self.step)
        with torch.set_grad_enabled(learns):
            losses, _ = self.proxy.losses(inputs, labels)
        chosen = losses.detach().topk(keep_ratio).indices
        if learns:
            self.proxy.learn(losses[chosen])
        inputs = inputs[chosen].contiguous(memory_format=torch.channels_last)
        return inputs, labels[chosen]


def _line(row: dict[str, Any], epochs: int) -> str:
    """Return an epoch's line in the log."""
    text = f"epoch {row['epoch']:3d}/{epochs}  loss {row['train']['loss']:.4f}  "
    if "validation" in row:
        text += f"validation {row['validation']['accuracy']:.2%}  "
    return text + f"{row['seconds']:.1f} s"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.cifar10", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser, epochs=Cifar10Recipe.epochs)
    add_presets(parser, PRESETS)
    add_compute(parser)
    add_init_from(parser)
    parser.add_argument(
        "--final",
        action="store_true",
        help="train on all 50,000 training images, once the recipe is fixed",
    )
    parser.add_argument(
        "--calibrated-by",
        type=Path,
        metavar="RUN",
        help="for --final: the finished validation run whose calibration to take",
    )
    parser.add_argument(
        "--compile",
        choices=["auto", "on", "off"],
        default="auto",
        help="torch.compile; auto: on a GPU",
    )
    parser.add_argument(
        "--loader",
        choices=["memory", "dataloader"],
        default="memory",
        help="augment whole batches in memory, or image by image in worker processes",
    )
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    return parser.parse_args(arguments)  # fmt: skip


def main() -> int:
    """Run the command line."""
    options = parse()
    with distributed.joined(options.device) as processes:
        return _main(options, chosen(PRESETS, options), processes)


def _main(options: argparse.Namespace, recipe: Cifar10Recipe, processes: Processes) -> int:
    if options.download and processes.is_main:
        data.load(options.data_dir, "train", download=True)
    processes.barrier()
    training = data.load(options.data_dir, "all" if options.final else "train")
    validation = None if options.final else data.load(options.data_dir, "validation")
    on_gpu = processes.device.type == "cuda"
    compute = ComputeConfig(
        processes,
        choose_precision(processes.device, options.precision),
        compiled=options.compile == "on" or (options.compile == "auto" and on_gpu),
        workers=options.workers if options.loader == "dataloader" else None,
    )
    folders = run_folders(options)
    for seed, folder in folders.items():
        if processes.is_main:
            work = train_pflop(recipe, len(training))
            print(f"seed {seed} → {folder}: {work:.3f} PFLOP in {compute.precision}", flush=True)
        train(
            recipe, training, validation, folder, compute, seed, options.resume,
            calibrated_by=options.calibrated_by, data_dir=options.data_dir,
            init_from=options.init_from,
        )  # fmt: skip
    if options.export and processes.is_main:
        print(f"exported to {finish(folders, options.data_dir)}")
    return 0
