"""Train a U-Net to cut out cars, on Carvana's studio photos and on places outside the studio.

    python -m training.carvana --data-dir DIR --out runs/carvana [--export]
    torchrun --nproc-per-node=2 -m training.carvana …

One small network (`zoo.networks.unet`), one view of each picture. What it reaches is in
``zoo/bundle/carvana/record.json``.

The recipe, top to bottom. Two images of five are photos that people took with a phone, of which a
mask knows only a part (`training.data.car_photos`): the loss looks at that part alone. Of the
others a part are studio photos, zoomed, stretched and shifted, or at their own pixels; a part are
cars cut out of them and pasted onto other backgrounds and streets at any size, painted and in
patches of light; a few are street photos (`training.data.augment_cars`). All change in colour and
sharpness.

Binary cross-entropy and soft Dice; Muon for the kernels and AdamW for the rest, a short warm-up,
then a cosine down to zero. The first half of the run sees small images, which is less work; the
second half sees the size that is used later, wide and square in turns, with the camera's own edges,
because what is left to learn there is where exactly the edge is. A moving average of the weights is
measured after each epoch, and at the end it is the result; the threshold is the one with the best
mean IoU on the validation cars.

Cars are held out whole: no view of a validation or test car is ever learned from.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from training import distributed
from training.carvana_record import begin_with, config, describe_run, plain
from training.checkpoint import as_array, restore, save_checkpoint
from training.data import car_photos, streets
from training.data import carvana as data
from training.data.augment_car_photos import PhotoAugmentation
from training.data.augment_cars import CarAugmentation, Sources
from training.data.car_batches import Batch, CarPlan, batches
from training.data.car_mix import CarMix
from training.data.light import Light
from training.distributed import Processes
from training.earlier_run import add_begin_with
from training.errors import TrainingError, diverged, run_command
from training.export import write_model
from training.machine import Machine, add_machine, choose_precision
from training.muon import Muon
from training.partial_masks import pick
from training.predict_masks import Held, measure
from training.records import git_commit, provenance
from training.run import CHECKPOINT, add_arguments, add_presets, chosen, finish, run_folders
from training.segmentation_loss import LOSSES
from training.weight_averaging import MovingAverage
from zoo.networks.unet import UNet

PACKAGES = ("numpy", "pillow", "safetensors", "torch")
MOMENTS = {"exp_avg", "exp_avg_sq", "momentum_buffer"}  # what optimizers remember
CHECKPOINT_SECONDS = 180.0  # at most this long between checkpoints, plus a step

# Places of every kind, small: what a car is.
PLACES = CarAugmentation(
    256, 384, street=0.2, paste=0.45, cars=(0.15, 0.55, 0.2, 0.1), dapple=0.2, on_streets=0.25,
    white=0.2, light=Light(dusk=0.1),
)  # fmt: skip
# Nearly the size of the photo, hardly blurred, half of the studio at its own pixels: exact edges.
# (Scaling blurs.) Cars pasted onto streets, too, evenings, more white cars.
SHARP = CarAugmentation(
    street=0.2, paste=0.4, zoom=(0.85, 1.2), stretch=0.05, unscaled=0.5, car_width=(0.2, 1.5),
    cars=(0.15, 0.55, 0.2, 0.1), paint=0.3, white=0.3, dapple=0.3, motion=0.2, on_streets=0.4,
    light=Light(
        blur=0.08, blur_radius=0.8, noise=0.15, noise_level=5.0, jpeg=0.2, jpeg_quality=50,
        dusk=0.15,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, apart from the data and the seed."""

    epochs: int = 96
    pictures: int = 960  # an epoch, however many photos there are
    batch: int = 8
    widths: tuple[int, ...] = (24, 48, 96, 128, 192)
    skips: bool = True
    context: int = 4  # blocks that look around at the smallest size
    loss: str = "bce+dice"  # one of training.segmentation_loss.LOSSES
    peak_learning_rate: float = 2e-3  # of AdamW
    head_factor: float = 1.0  # the last layer's learning rate, times AdamW's
    muon_rate: float = 0.06  # of Muon, for the kernels before a BatchNorm; 0: AdamW for all
    muon_momentum: float = 0.6
    warmup: float = 0.05  # the share of the run
    weight_decay: float = 0.01
    batch_norm_momentum: float = 0.05
    small_until: float = 0.5  # the share of the run that sees small pictures
    small: CarAugmentation = field(default_factory=lambda: PLACES)
    augmentation: CarAugmentation = field(default_factory=lambda: SHARP)  # of the rest
    photo: float = 0.4  # the share of phone photos, if there are any
    photos: PhotoAugmentation = field(default_factory=PhotoAugmentation)
    square: int = 416  # side of every second step's images, after the small ones; 0: all are wide
    averaging: float = 0.998  # what the moving average keeps of itself at a step; 0: no average

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return self.pictures // self.batch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: linear warm-up, then a cosine to zero."""
        warmup = max(1, round(self.warmup * self.total_steps))
        if step < warmup:
            return self.peak_learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.total_steps - warmup)
        return self.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * done))

    def augmentation_at(self, step: int) -> CarAugmentation:
        """Return how a step's pictures are made: small ones first."""
        return self.small if step < self.small_until * self.total_steps else self.augmentation

    def mix_at(self, step: int) -> CarMix:
        """Return how a step's images are made, phone photos among them."""
        augmentation = self.augmentation_at(step)
        photos = replace(self.photos, longest=augmentation.width)  # as studio photos are scaled
        mix = CarMix(augmentation, self.photo, photos)
        if self.square and step % 2 and augmentation is self.augmentation:
            return mix.sized(self.square, self.square)
        return mix


RECIPE = Recipe()
PRESETS = {
    "main": RECIPE,
    # With ``--begin-with``: a short run at full size alone.
    "tune": replace(
        RECIPE, epochs=4, small_until=0.0, muon_rate=0.015, peak_learning_rate=1e-3, averaging=0.99,
    ),
}  # fmt: skip


def train(
    recipe: Recipe,
    sources: Sources,
    validation: Held,
    out: Path,
    machine: Machine,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
    threads: int = 1,
    network: nn.Module | None = None,
    begin_with: Path | None = None,
) -> dict[str, Any]:
    """Train one network, write it to ``out`` as a model folder, and return its record.

    A checkpoint is written after every epoch, and in between every few minutes. What is random in
    a step depends on the seed and the step alone, so that a run that was killed and resumed ends
    with the same weights, bit for bit, on the same machine with the same number of threads.

    Args:
        recipe: what to do.
        sources: pictures to learn from.
        validation: pictures to measure after each epoch, and to choose the threshold on.
        out: the run's folder.
        machine: how to compute.
        seed: of the initial weights and everything drawn.
        resume: go on from the checkpoint in ``out``, if there is one.
        quiet: print nothing.
        threads: that prepare pictures.
        network: another one to train in the same way, untrained; None makes the recipe's U-Net.
        begin_with: the folder of a finished run whose weights this one begins with. Its record
            becomes part of this run's.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    run = _Run(recipe, sources, validation, out, machine, seed, quiet, threads, network)
    if begin_with is not None:
        run.begin_with(begin_with)
    run.restore(resume)
    while run.step < recipe.total_steps:
        run.train_epoch()
    network = run.result
    record = describe_run(recipe, network, run.progress, validation, machine)
    if machine.processes.first:
        weights = {name: as_array(value) for name, value in network.state_dict().items()}
        write_model(out, weights, config(recipe, record), record)
    machine.processes.wait()
    return record


class _Run:
    """A training run: what it holds between steps, and how it goes through an epoch."""

    def __init__(
        self,
        recipe: Recipe,
        sources: Sources,
        validation: Held,
        out: Path,
        machine: Machine,
        seed: int,
        quiet: bool,
        threads: int,
        network: nn.Module | None = None,
    ) -> None:
        self.recipe, self.validation, self.machine = recipe, validation, machine
        self.quiet, self.threads = quiet or not machine.processes.first, threads
        if recipe.batch % machine.processes.count:
            raise TrainingError(
                f"A batch of {recipe.batch} does not suit {machine.processes.count} processes."
            )
        self.checkpoint = out / CHECKPOINT
        self.plan = CarPlan(sources, seed)
        torch.manual_seed(seed)  # the initial weights
        self.network = network or UNet(recipe.widths, recipe.skips, recipe.context)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = recipe.batch_norm_momentum
        # The layout in which convolutions are fastest: a step takes 0.8 of the time on two cores.
        self.network.to(machine.device).to(memory_format=torch.channels_last)
        self.parameters = list(self.network.parameters())
        self.average = MovingAverage(self.network, recipe.averaging) if recipe.averaging else None
        self._make_optimizers()
        self.step = 0
        self.partial = {"loss": 0.0, "steps": 0.0, "seconds": 0.0}  # of the epoch so far
        self.saved = time.monotonic()
        counts = {
            "studio": len(sources.studio), "streets": len(sources.streets),
            "backgrounds": len(sources.backgrounds), "phone": len(sources.photos),
        }  # fmt: skip
        self.progress: dict[str, Any] = {
            "identity": {"recipe": plain(recipe), "seed": seed, "photos": counts},
            "history": [],
            "record": provenance(PACKAGES) | {"machine": machine.describe()},
        }

    def _make_optimizers(self) -> None:
        recipe = self.recipe
        kernels = [p for p in self.parameters if p.ndim == 4]
        # The length of a kernel before a BatchNorm changes no answer: Muon may fix it. The last
        # layer has none behind it: its length is how sure the network can be.
        hidden = kernels[:-1] if recipe.muon_rate else []
        head = (kernels[-1], self.parameters[-1])  # the last parameter is its bias

        def group(part: list[nn.Parameter], factor: float, decay: float) -> dict[str, Any]:
            return {"params": part, "factor": factor, "weight_decay": decay}

        others = [p for p in self.parameters if all(p is not known for known in (*hidden, *head))]
        decay = recipe.weight_decay
        self.adam = torch.optim.AdamW(
            [
                group([p for p in others if p.ndim > 1], 1.0, decay),
                group([p for p in others if p.ndim <= 1], 1.0, 0.0),
                group([head[0]], recipe.head_factor, decay),
                group([head[1]], recipe.head_factor, 0.0),
            ]
        )
        self.muon = Muon(hidden, 0.0, recipe.muon_momentum) if hidden else None

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        return [self.adam, *([self.muon] if self.muon else [])]

    def begin_with(self, folder: Path) -> None:
        """Take the weights of a finished run instead of random ones, and keep its record."""
        earlier = begin_with(self.network, folder, self.progress["identity"])
        if self.average:
            self.average.restart(self.network)
        self.progress["identity"]["first_weights"] = earlier.pop("weights")
        self.progress["record"]["began_with"] = earlier

    @property
    def result(self) -> nn.Module:
        """The network that is measured, and that the run gives: the average, if there is one."""
        return self.average.network if self.average else self.network

    @property
    def epoch(self) -> int:
        """The number, from 1, of the epoch that is going on."""
        return len(self.progress["history"]) + 1

    def restore(self, resume: bool) -> None:
        """Go on from the checkpoint, or make sure that there is none."""
        found = restore(self.checkpoint, self.progress["identity"], resume)
        if found is None:
            return
        groups, progress = found
        networks = {"network": self.network}
        if self.average:
            networks["average"] = self.average.network
        for group, network in networks.items():
            network.load_state_dict(
                {name: torch.from_numpy(array) for name, array in groups[group].items()}
            )
        for number, parameter in enumerate(self.parameters):
            kept = {
                key: torch.from_numpy(groups[key][str(number)]).to(parameter.device)
                for key in MOMENTS
                if str(number) in groups.get(key, {})
            }
            if "momentum_buffer" in kept and self.muon:
                self.muon.state[parameter].update(kept)
            elif kept:
                taken = torch.tensor(float(progress["step"]))
                self.adam.state[parameter].update(kept | {"step": taken})
        self.progress, self.step, self.partial = progress, progress["step"], progress["partial"]
        resumed = {"git_commit": git_commit(), "machine": self.machine.describe()}
        progress.setdefault("resumed", []).append(resumed)

    def save(self) -> None:
        """Write a checkpoint, unless the weights are no longer numbers."""
        if not all(torch.isfinite(parameter).all() for parameter in self.parameters):
            raise diverged("weights", math.nan, self.epoch)
        if self.machine.processes.first:
            groups: dict[str, dict[str, NDArray]] = {
                "network": {k: as_array(v) for k, v in self.network.state_dict().items()}
            }
            if self.average:
                state = self.average.network.state_dict()
                groups["average"] = {k: as_array(v) for k, v in state.items()}
            for number, parameter in enumerate(self.parameters):
                for optimizer in self._optimizers():
                    for key in MOMENTS & optimizer.state.get(parameter, {}).keys():
                        moment = optimizer.state[parameter][key]
                        groups.setdefault(key, {})[str(number)] = as_array(moment)
            self.progress |= {"step": self.step, "partial": self.partial}
            save_checkpoint(self.checkpoint, groups, self.progress)
        self.saved = time.monotonic()

    def schedule(self, epoch: int) -> list[tuple[range, CarMix]]:
        """Return what this process learns from in the rest of an epoch, step by step."""
        rank, count = self.machine.processes.rank, self.machine.processes.count
        size, last = self.recipe.batch, (epoch + 1) * self.recipe.steps
        return [
            (
                range(step * size + rank, (step + 1) * size, count),
                self.recipe.mix_at(step),
            )
            for step in range(self.step, last)
        ]

    def train_epoch(self) -> None:
        """Go through the epoch, or what is left of it; note its metrics; write a checkpoint."""
        epoch = self.step // self.recipe.steps
        start = time.perf_counter() - self.partial["seconds"]
        rate = 0.0
        with tqdm(
            total=self.recipe.total_steps, initial=self.step, leave=False, unit="step",
            desc=f"epoch {epoch + 1}/{self.recipe.epochs}", disable=self.quiet or None,
        ) as bar:  # fmt: skip
            schedule = self.schedule(epoch)
            for batch in batches(self.plan, schedule, self.machine.device, self.threads):
                rate = self.recipe.rate(self.step)
                self.partial["loss"] += self._learn(batch, rate)
                self.partial["steps"] += 1
                self.step += 1
                bar.update()
                bar.set_postfix(loss=f"{self.partial['loss'] / self.partial['steps']:.4f}")
                if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
                    self.partial["seconds"] = time.perf_counter() - start
                    self.save()
        self._end_epoch(epoch, rate, time.perf_counter() - start)

    def _learn(self, batch: Batch, rate: float) -> float:
        """Take one step; return the loss over all processes, which must be a number."""
        self.network.train()
        for group in self.adam.param_groups:
            group["lr"] = rate * group["factor"]
        if self.muon:
            share = rate / self.recipe.peak_learning_rate
            self.muon.param_groups[0]["lr"] = share * self.recipe.muon_rate
        with self.machine.autocast():
            logits = self.network(batch.inputs)
        loss = LOSSES[self.recipe.loss](*pick(logits.float(), batch.target, batch.trust))
        self.network.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        statistics = [b for b in self.network.buffers() if b.is_floating_point()]
        shared = loss.detach()[None].clone()
        self.machine.processes.average([*gradients, *statistics, shared])
        if not math.isfinite(value := float(shared)):
            raise diverged("loss", value, self.epoch)
        for optimizer in self._optimizers():
            optimizer.step()
        if self.average:
            self.average.update(self.network, self.step)
        return value

    def _end_epoch(self, epoch: int, rate: float, seconds: float) -> None:
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": rate}
        row["seconds"] = round(seconds, 2)
        row["train"] = {"loss": self.partial["loss"] / max(1.0, self.partial["steps"])}
        row["validation"] = measure(self.result, self.validation, self.machine)
        self.progress["history"].append(row)
        self.partial = {"loss": 0.0, "steps": 0.0, "seconds": 0.0}
        self.save()
        if not self.quiet:
            print(_line(row, self.recipe.epochs), flush=True)


def _line(row: dict[str, Any], epochs: int) -> str:
    """Return an epoch's line in the log."""
    held_out = row["validation"]
    text = f"epoch {row['epoch']:3d}/{epochs}  loss {row['train']['loss']:.4f}  "
    text += f"validation IoU {held_out['iou']:.4f}  boundary {held_out['boundary_iou']:.4f}  "
    if "street_iou" in held_out:
        text += f"street {held_out['street_iou']:.4f}  "
    if "phone_good" in held_out:
        text += f"phone good {held_out['phone_good']:.3f} fair {held_out['phone_fair']:.3f}  "
    return text + f"{row['seconds']:.1f} s"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.carvana", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser, epochs=RECIPE.epochs)
    add_presets(parser, PRESETS)
    add_machine(parser)
    add_begin_with(parser)
    parser.add_argument("--workers", type=int, default=1, help="threads that prepare pictures")
    return parser.parse_args(arguments)


def read_sources(data_dir: Path) -> tuple[Sources, Held]:
    """Read what there is to learn from, and the held-out pictures.

    Street photos, backgrounds and phone photos are not part of Carvana; without them the network
    learns the studio alone.
    """
    learned = streets.load(data_dir, "train") if streets.available(data_dir) else ()
    held = streets.load(data_dir, "validation", large_only=True) if learned else ()
    phone: dict[str, tuple[car_photos.CarPhoto, ...]] = {"train": (), "validation": ()}
    if car_photos.available(data_dir):
        phone = {split: car_photos.load(data_dir, split) for split in phone}
    sources = Sources(
        data.load(data_dir, "train"), learned, streets.load_backgrounds(data_dir), phone["train"]
    )
    return sources, Held(data.load(data_dir, "validation"), held, phone["validation"])


def main() -> int:
    """Run the command line."""
    options = parse()
    if options.download:
        raise TrainingError(data.how_to_get(options.data_dir))
    with distributed.joined(options.device) as processes:
        return _main(options, chosen(PRESETS, options), processes)


def _main(options: argparse.Namespace, recipe: Recipe, processes: Processes) -> int:
    sources, validation = read_sources(options.data_dir)
    machine = Machine(processes, choose_precision(processes.device, options.precision))
    folders = run_folders(options)
    for seed, folder in folders.items():
        if processes.first:
            print(
                f"seed {seed} → {folder}: {len(sources.studio)} studio photos, "
                f"{len(sources.streets)} of streets, {len(sources.backgrounds)} backgrounds, "
                f"{len(sources.photos)} taken with phones, "
                f"in {machine.precision}",
                flush=True,
            )
        train(
            recipe, sources, validation, folder, machine, seed, options.resume,
            threads=options.workers, begin_with=options.begin_with,
        )  # fmt: skip
    if options.export and processes.first:
        print(f"exported to {finish(folders, options.data_dir)}")
    return 0


if __name__ == "__main__":
    run_command(main)
