"""Train a U-Net to cut out cars, on Carvana's studio photos and on places outside the studio.

    python -m training.carvana --data-dir DIR --out runs/carvana [--export]
    torchrun --nproc-per-node=2 -m training.carvana …

One small network (`zoo.networks.segmentation.unet`), one view of each image. What it reaches is in
``zoo/bundle/carvana/record.json``.

The recipe, top to bottom. One image of three is a photo that somebody took with a phone, of which a
mask knows only a part (`training.data.car_photos`): the loss looks at that part alone. Of the
others a part are studio photos, zoomed, stretched and shifted, or at their own pixels; a part are
cars cut out of them and pasted onto other backgrounds and streets at any size, painted and in
patches of light; a few are street photos (`training.data.cars`). All change in colour and
sharpness.

Binary cross-entropy and soft Dice; Muon for the kernels and AdamW for the rest, a short warm-up,
then a cosine down to zero. The first 24 of 48 epochs see small images, which is less work; the
others see the size that is used later, wide and square in turns, with the camera's own edges,
because what is left to learn there is where exactly the edge is. A second part, 16 epochs, begins
once more with what the first gave, at half the learning rates, with more of the studio and sharper
backgrounds (``--preset one-part`` leaves it out). A moving average of the weights is measured after
each epoch. The result is the mean of that average at the ends of the two parts, for which
BatchNorm's statistics are measured anew on images as the second part sees them; the threshold is
the one with the best mean IoU on the validation cars.

Cars are held out whole: no view of a validation or test car is ever learned from.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from training.carvana.carvana_first_part import adopt
from training.carvana.carvana_record import config, describe_run, initialize_from
from training.carvana.carvana_settings import CarvanaRecipe
from training.carvana.depthwise_gradients import speed_up
from training.data import car_photos, carvana_photos, street_photos
from training.data.cars.augment_cars import TrainingSources
from training.data.cars.car_batches import CarBatch, CarPlan, batches
from training.data.cars.car_mix import CarMix
from training.engine import loop
from training.engine.checkpoint import CHECKPOINT, as_array, save_checkpoint
from training.engine.compute import ComputeConfig
from training.engine.failures import TrainingError
from training.engine.init_from import note
from training.engine.model_folder import write_model
from training.engine.moving_average import PartMean
from training.engine.muon import Muon
from training.engine.options import check_batch
from training.engine.provenance import provenance
from training.engine.student import State, Student
from training.metrics.mask_losses import LOSSES, pick
from training.metrics.mask_predictions import ValidationSet, measure
from training.metrics.partial_masks import worth_learning

STATISTICS = 100  # batches from which BatchNorm's statistics come, for the mean of two ends
PACKAGES = ("numpy", "pillow", "safetensors", "torch")


class CarvanaLearner:
    """What the loop teaches: one network, from images that are made while it learns."""

    metrics = ("loss",)

    def __init__(
        self,
        recipe: CarvanaRecipe,
        sources: TrainingSources,
        validation: ValidationSet,
        compute: ComputeConfig,
        seed: int,
        threads: int = 1,
        network: nn.Module | None = None,
    ) -> None:
        check_batch(recipe.batch, recipe.images, compute.processes.count)
        if recipe.epochs <= recipe.second_epochs:
            raise TrainingError(
                f"The second part alone has {recipe.second_epochs} epochs: give more, or "
                "--preset one-part."
            )
        self.recipe, self.validation, self.compute = recipe, validation, compute
        self.threads, self.plan = threads, CarPlan(sources, seed)
        self.epochs, self.steps = recipe.epochs, recipe.steps
        torch.manual_seed(seed)  # the initial weights
        network = network or recipe.make_network()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = recipe.batch_norm_momentum
        # The layout in which convolutions are fastest: a step takes 0.8 of the time on two cores.
        network.to(compute.device).to(memory_format=torch.channels_last)
        if compute.device.type == "cpu":
            speed_up(network)
        self.optimizers = make_optimizers(network, recipe)
        self.student = Student(network, self.optimizers, compute.processes, recipe.averaging)
        self.ends = PartMean()  # of the parts before this one

    def batches(self, epoch: int, first: int) -> Iterator[CarBatch]:
        """Yield this process's part of an epoch's batches."""
        schedule = self.schedule(epoch, first)
        return batches(self.plan, schedule, self.compute.device, self.threads)

    def schedule(self, epoch: int, first: int) -> list[tuple[range, CarMix]]:
        """Return the numbers of the images of each step, and how they are made."""
        rank, count = self.compute.processes.rank, self.compute.processes.count
        size = self.recipe.batch
        return [
            (range(step * size + rank, (step + 1) * size, count), self.recipe.mix_at(step))
            for step in range(epoch * self.steps + first, (epoch + 1) * self.steps)
        ]

    def learn(self, batch: CarBatch, step: int) -> Tensor:
        """Take a step; return the sum of the loss over the images, and their number."""
        if step == self.recipe.first_steps:
            self.begin_second_part()
        network, rate = self.student.network, self.rate(step)
        network.train()
        for group in self.optimizers["adam"].param_groups:
            group["lr"] = rate * group["factor"]
        if "muon" in self.optimizers:
            share = rate / self.recipe.peak_learning_rate
            self.optimizers["muon"].param_groups[0]["lr"] = share * self.recipe.muon_lr
        with self.compute.autocast():
            logits = network(batch.inputs).float()
        known = batch.known
        if known is not None and batch.absent is not None:
            known = worth_learning(logits.detach(), known, batch.absent)
        loss = LOSSES[self.recipe.loss](*pick(logits, batch.target, known))
        images = torch.full_like(loss.detach(), len(batch.inputs))
        totals = torch.stack([loss.detach() * images, images])
        self.student.descend(loss, step, totals)
        return totals

    def begin_second_part(self) -> None:
        """Begin again with the average that the first part gave, and forget all momentum."""
        student = self.student
        self.ends.add(student.result)
        student.network.load_state_dict(student.result.state_dict())
        student.restart_average()
        for optimizer in self.optimizers.values():
            optimizer.state.clear()

    def measure(self) -> dict[str, float]:
        """Return quick metrics of the validation images; see `mask_predictions.measure`."""
        return measure(self.student.result, self.validation, self.compute)

    def result(self) -> nn.Module:
        """Return the network that the finished run gives: of two parts, the mean of their ends."""
        network = self.student.result
        if not self.recipe.second_epochs:
            return network
        ends = copy.deepcopy(self.ends)
        ends.add(network)
        network = copy.deepcopy(network)
        network.load_state_dict(ends.weights)
        first, size = self.recipe.total_steps, self.recipe.batch
        schedule = [
            (range(step * size, (step + 1) * size), self.recipe.mix_at(step))
            for step in range(first, first + STATISTICS)
        ]
        made = batches(self.plan, schedule, self.compute.device, self.threads)
        with self.compute.autocast():
            update_bn((batch.inputs for batch in made), network)
        return network.eval()

    def rate(self, step: int) -> float:
        """Return AdamW's learning rate at a step."""
        return self.recipe.rate(step)

    def totals(self, values: list[float]) -> Tensor:
        """Return a vector as `learn` does."""
        return torch.tensor(values, device=self.compute.device)

    def is_finite(self) -> bool:
        """Return whether all weights are numbers."""
        return self.student.is_finite()

    def state(self) -> State:
        """Return copies of everything that changes."""
        return self.student.state() | ({"ends": self.ends.state()} if self.ends.count else {})

    def load_state(self, state: State) -> None:
        """Take back what `state` returned."""
        self.student.load_state(state)
        if "ends" in state:
            self.ends.load_state(state["ends"], self.compute.device)


def make_optimizers(network: nn.Module, recipe: CarvanaRecipe) -> dict[str, torch.optim.Optimizer]:
    """Return AdamW, and Muon for the kernels before a BatchNorm if the recipe has it.

    AdamW's groups have a ``factor`` of the recipe's learning rate; biases and BatchNorms do not
    decay.
    """
    parameters = list(network.parameters())
    # The length of a kernel before a BatchNorm changes no answer: Muon may fix it. The last layers,
    # which have a bias, have none behind them: their length is how sure the network can be.
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
    head = [m.weight for m in last], [m.bias for m in last if m.bias is not None]
    ours = {id(p) for part in head for p in part}
    hidden = [p for p in parameters if p.ndim == 4 and id(p) not in ours] if recipe.muon_lr else []
    ours |= {id(p) for p in hidden}
    others = [p for p in parameters if id(p) not in ours]

    def group(part: Sequence[Tensor], factor: float, decay: float) -> dict[str, Any]:
        return {"params": part, "factor": factor, "weight_decay": decay}

    adam = torch.optim.AdamW(
        [
            group([p for p in others if p.ndim > 1], 1.0, recipe.weight_decay),
            group([p for p in others if p.ndim <= 1], 1.0, 0.0),
            group(head[0], recipe.head_factor, recipe.weight_decay),
            group(head[1], recipe.head_factor, 0.0),
        ]
    )
    muon = {"muon": Muon(hidden, 0.0, recipe.muon_momentum)} if hidden else {}
    return {"adam": adam, **muon}


def train(
    recipe: CarvanaRecipe,
    sources: TrainingSources,
    validation: ValidationSet,
    out: Path,
    compute: ComputeConfig,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
    threads: int = 1,
    network: nn.Module | None = None,
    init_from: Path | None = None,
    first_part: Path | None = None,
) -> dict[str, Any]:
    """Train one network, write it to ``out`` as a model folder, and return its record.

    Args:
        recipe: what to do.
        sources: images to learn from.
        validation: images to measure after each epoch, and to choose the threshold on.
        out: the run's folder.
        compute: how to compute.
        seed: of the initial weights and everything drawn.
        resume: go on from the checkpoint in ``out``, if there is one; see `training.engine.loop`.
        quiet: print nothing.
        threads: that prepare images.
        network: another one to train in the same way, untrained; None makes the recipe's U-Net.
        init_from: the folder of a finished run whose weights this one begins with. Its record
            becomes part of this run's.
        first_part: the folder of a finished run that was this one's first part, to go on from if
            ``out`` has no checkpoint yet; see `training.carvana.carvana_first_part`.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    learner = CarvanaLearner(recipe, sources, validation, compute, seed, threads, network)
    identity = {"seed": seed, "photos": count(sources)}
    progress = loop.begin(recipe, identity, provenance(PACKAGES) | {"compute": compute.describe()})
    student, is_main = learner.student, compute.processes.is_main
    if init_from is not None:
        note(progress, initialize_from(student.network, init_from, progress["identity"]))
        student.restart_average()
    if first_part is not None and not (out / CHECKPOINT).exists():
        taken = adopt(first_part, student, recipe, progress)
        if is_main:
            save_checkpoint(out / CHECKPOINT, student.state(), taken)
        compute.processes.barrier()
        resume = True
    progress = loop.train(learner, progress, out, resume=resume, quiet=quiet, is_main=is_main)
    network = learner.result()
    record = describe_run(network, progress, validation, compute)
    if is_main:
        weights = {name: as_array(value) for name, value in network.state_dict().items()}
        described = config(
            network, record["threshold"], recipe.architecture, record["min_confidence"]
        )
        write_model(out, weights, described, record)
    compute.processes.barrier()
    return record


def count(sources: TrainingSources) -> dict[str, int]:
    """Return how many photos of each kind there are to learn from."""
    return {
        "studio": len(sources.studio),
        "streets": len(sources.streets),
        "backgrounds": len(sources.backgrounds),
        "phone": len(sources.photos),
    }


def read_sources(data_dir: Path) -> tuple[TrainingSources, ValidationSet]:
    """Read what there is to learn from, and the held-out images.

    Street photos, backgrounds and phone photos are not part of Carvana; without them the network
    learns the studio alone.
    """
    learned = street_photos.load(data_dir, "train") if street_photos.available(data_dir) else ()
    held = street_photos.load(data_dir, "validation", large_only=True) if learned else ()
    phone: dict[str, tuple[car_photos.CarPhoto, ...]] = {"train": (), "validation": ()}
    if car_photos.available(data_dir):
        phone = {split: car_photos.load(data_dir, split) for split in phone}
    studio = {split: carvana_photos.load(data_dir, split) for split in phone}
    sources = TrainingSources(
        studio["train"], learned, street_photos.load_backgrounds(data_dir), phone["train"]
    )
    return sources, ValidationSet(studio["validation"], held, phone["validation"])
