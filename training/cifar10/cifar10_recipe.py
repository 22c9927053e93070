"""Train a convolutional network on CIFAR-10.

    python -m training.cifar10 --data-dir DIR --out runs/cifar10 [--preset fast] [--export]
    torchrun --nproc-per-node=2 -m training.cifar10 …

One network, one view of each image, no ensemble. What it reaches is in
``zoo/bundle/cifar10/record.json``.

The recipe, top to bottom. A first layer that whitens 2 × 2 patches, computed from the data, and
three blocks of convolutions (`zoo.networks.cifar_net`). Alternating flip, translation, cutout. A
small proxy network is trained alongside; once it has learned something, it answers every image
first, and the large network learns only from the half that the proxy finds hardest: the easy half
would cost as much and teach little.
Cross-entropy with label smoothing; Muon for the convolutions, Nesterov SGD for the shifts and the
head; all learning rates fall linearly to zero. In ``best`` they do so three times: the run has
three parts, the later ones begin half as high and with a new proxy, and the mean of the weights at
the ends of the parts is the result (`training.engine.moving_average`).

Where this comes from: K. Jordan's airbench (arXiv 2404.00498; github.com/KellerJordan/
cifar10-airbench). ``fast`` has the network of airbench94_muon, sees small images first
(progressive resizing: J. Howard's DAWNBench entry, 2018; Tan & Le 2021, arXiv 2104.00298) and
smaller batches, and its activation is SiLU (github.com/hiverge/cifar10-speedrun). ``best`` puts
together the residual blocks, augmentation and proxy of airbench96_faster and Muon, with the
learning rates and the decay lowered by the same factor, 0.78, as from airbench94 to airbench96. Its
network is sized for 10 million parameters (under 20 MB in half precision) and its length for some
hours on two CPU cores with bfloat16 instructions. What did not help: a fourth part of 42 epochs in
which CutMix (Yun et al. 2019, arXiv 1905.04899) mixed half of the images; it ended 0.1 points above
the third, and the mean of four ends was 0.2 below that of three (5,000 validation images).

``--init-from RUN`` begins with the weights of a finished run instead of random ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.cifar10.cifar10_record import (
    calibrate_network,
    config,
    describe_run,
    initialize_from,
    take_calibration,
)
from training.cifar10.cifar10_settings import Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.cifar10.part_mean import SEED, measure_statistics
from training.data.cifar_images import LabelledImages
from training.data.image_batches import Batch, Plan, batches
from training.engine import loop
from training.engine.checkpoint import as_array
from training.engine.compute import ComputeConfig
from training.engine.failures import TrainingError
from training.engine.init_from import note
from training.engine.model_folder import write_model
from training.engine.moving_average import PartMean
from training.engine.options import check_batch
from training.engine.provenance import provenance
from training.engine.student import State
from training.metrics.class_predictions import measure
from zoo.networks.cifar_net import CifarNet

PACKAGES = ("numpy", "safetensors", "torch")


class Cifar10Learner:
    """What the loop teaches: a large network, and the small proxy that selects its images."""

    metrics = ("loss", "accuracy")

    def __init__(
        self,
        recipe: Cifar10Recipe,
        training: LabelledImages,
        validation: LabelledImages | None,
        compute: ComputeConfig,
        seed: int,
    ) -> None:
        check_batch(recipe.batch, len(training), compute.processes.count)
        if recipe.epochs < recipe.parts:
            raise TrainingError(f"{recipe.parts} parts need at least as many epochs: give more.")
        self.recipe, self.validation, self.compute = recipe, validation, compute
        images, labels = (
            torch.from_numpy(a).to(compute.device) for a in (training.images, training.labels)
        )
        self.plan = Plan(images, labels, recipe.augmentation, recipe.batch, seed)
        self.epochs, self.steps = recipe.epochs, self.plan.steps
        torch.manual_seed(seed)  # the initial weights
        self.main = CifarStudent(recipe, recipe.widths, recipe.depth, self.plan, compute)
        self.proxy = self._new_proxy()
        self.mean = PartMean()

    def _new_proxy(self) -> CifarStudent | None:
        if self.recipe.keep_ratio == 1:
            return None
        return CifarStudent(self.recipe, self.recipe.proxy_widths, 2, self.plan, self.compute)

    def batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield this process's part of an epoch's batches."""
        return batches(self.plan, epoch, first, self.compute.processes)

    def learn(self, batch: Batch, step: int) -> Tensor:
        """Take a step on the hardest share of a batch; return sums of loss, hits and images."""
        part = self.main.part_at(step)
        if step == part.start > 0:
            self.begin_part(step)
        self.main.begin(step)
        inputs, labels = self.hardest(*batch, step)
        losses, logits = self.main.losses(inputs, labels)
        correct = (logits.argmax(dim=1) == labels).sum()
        totals = torch.stack([losses.detach().sum(), correct, torch.ones_like(labels).sum()])
        self.main.learn(losses, step, totals)
        if step + 1 == part.stop and self.recipe.parts > 1:
            self.mean.add(self.main.network)
        return totals

    def begin_part(self, step: int) -> None:
        """Forget all momentum, and begin with a new proxy, to which nothing is easy yet."""
        self.main.restart()
        torch.manual_seed(self.plan.seed + step)
        self.proxy = self._new_proxy()

    def result(self) -> CifarNet:
        """Return the network that the finished run gives: the mean of its parts' ends."""
        if self.recipe.parts == 1:
            return self.main.network
        recipe = self.recipe
        network = CifarNet(recipe.widths, recipe.depth, activation=recipe.activation)
        network.load_state_dict(self.mean.weights)
        network = network.to(self.compute.device).to(memory_format=torch.channels_last)
        if self.proxy:
            self.proxy.begin(self.main.total_steps - 1)  # as it was when it selected last
        plan = replace(self.plan, seed=SEED)
        measure_statistics(network, self.proxy, recipe, plan, self.compute)
        return network

    def hardest(self, inputs: Tensor, labels: Tensor, step: int) -> Batch:
        """Return the share of the batch that the proxy answers worst, and let the proxy learn.

        The proxy is far smaller, so asking it costs little, and what is hard for it is hard for
        the large network (Coleman et al. 2020, "Selection via proxy", arXiv 1906.11829). Early on
        nothing is easy yet, and "hardest" would mean the classes that the proxy happens not to
        name; until ``selection_start`` the share is a random one (the batch is shuffled).
        """
        if self.proxy is None:
            return inputs, labels
        kept = round(self.recipe.keep_ratio * len(labels))
        learns = step % self.recipe.proxy_interval == 0
        if step < self.main.part_at(step).selects:
            inputs, labels = inputs[:kept], labels[:kept]
            if learns:
                self.proxy.begin(step)
                self.proxy.learn(self.proxy.losses(inputs, labels)[0])
            return inputs, labels
        self.proxy.begin(step)
        with torch.set_grad_enabled(learns):
            losses, _ = self.proxy.losses(inputs, labels)
        hard = losses.detach().topk(kept).indices
        if learns:
            self.proxy.learn(losses[hard])
        return inputs[hard].contiguous(memory_format=torch.channels_last), labels[hard]

    def measure(self) -> dict[str, float] | None:
        """Return loss and accuracy of the validation images; None in a final run."""
        if self.validation is None:
            return None
        return measure(self.main.network, self.validation, self.compute)

    def rate(self, step: int) -> float:
        """Return Muon's learning rate at a step."""
        part = self.main.part_at(step)
        return self.recipe.muon_lr * part.height * part.left(step)

    def totals(self, values: list[float]) -> Tensor:
        """Return a vector as `learn` does."""
        return torch.tensor(values, device=self.compute.device)

    def _students(self) -> dict[str, CifarStudent]:
        return {"main": self.main} | ({"proxy": self.proxy} if self.proxy else {})

    def is_finite(self) -> bool:
        """Return whether all weights are numbers."""
        return all(student.is_finite() for student in self._students().values())

    def state(self) -> State:
        """Return copies of everything that changes."""
        return {
            f"{name}-{group}": arrays
            for name, student in self._students().items()
            for group, arrays in student.state().items()
        } | ({"mean": self.mean.state()} if self.recipe.parts > 1 else {})

    def load_state(self, state: State) -> None:
        """Take back what `state` returned."""
        for name, student in self._students().items():
            own = {k.removeprefix(f"{name}-"): v for k, v in state.items() if k.startswith(name)}
            student.load_state(own)
        if self.recipe.parts > 1:
            self.mean.load_state(state["mean"], self.compute.device)


def train(
    recipe: Cifar10Recipe,
    training: LabelledImages,
    validation: LabelledImages | None,
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

    Args:
        recipe: what to do.
        training: images to learn from.
        validation: images to measure after each epoch, or None for a final run.
        out: the run's folder.
        compute: how to compute.
        seed: of the initial weights and everything drawn.
        resume: go on from the checkpoint in ``out``, if there is one; see `training.engine.loop`.
        quiet: print nothing.
        calibrated_by: for a final run, the folder of the validation run with the same recipe,
            whose temperature and threshold for out-of-distribution images it takes.
        data_dir: where MNIST may be, for out-of-distribution images.
        init_from: the folder of a finished run whose weights this one begins with. Its record
            becomes part of this run's.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    learner = Cifar10Learner(recipe, training, validation, compute, seed)
    identity = {"seed": seed, "images": len(training)}
    progress = loop.begin(recipe, identity, provenance(PACKAGES) | {"compute": compute.describe()})
    is_main = compute.processes.is_main
    if init_from is not None:
        note(progress, initialize_from(learner.main.network, init_from, progress["identity"]))
    progress = loop.train(learner, progress, out, resume=resume, quiet=quiet, is_main=is_main)
    network = learner.result()
    record = describe_run(recipe, network, progress)
    if validation is not None:
        accuracy = measure(network, validation, compute)["accuracy"]
        record["metrics"] = {"validation": {"accuracy": accuracy, "n": len(validation)}}
        record |= calibrate_network(network, validation, compute, data_dir)
    elif calibrated_by is not None:
        record |= take_calibration(network, calibrated_by, recipe, compute, data_dir)
    if is_main:
        weights = {name: as_array(value) for name, value in network.state_dict().items()}
        write_model(out, weights, config(network, record), record)
    compute.processes.barrier()
    return record
