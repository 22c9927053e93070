"""A network that learns CIFAR-10: its optimizers, and what changes with the steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from training.cifar10.cifar10_settings import Cifar10Recipe, Part
from training.cifar10.weight_gradients import lay_side_by_side
from training.data.augment_images import normalize, shrink
from training.data.image_batches import Plan
from training.engine.compute import ComputeConfig
from training.engine.muon import Muon
from training.engine.student import Student
from zoo.networks.cifar_net import CifarNet, whitening_filters


class CifarStudent(Student[CifarNet]):
    """A network, its two optimizers, and what changes with the steps: rates and image size.

    Args:
        recipe: what decides the result.
        widths, depth: of the network.
        plan: the training images; whitening is computed from them.
        compute: how to compute.
        side_by_side: whether convolutions may use the faster gradient of
            `training.cifar10.weight_gradients`; they do so where it pays, on a CPU in bfloat16.
    """

    def __init__(
        self,
        recipe: Cifar10Recipe,
        widths: tuple[int, int, int],
        depth: int,
        plan: Plan,
        compute: ComputeConfig,
        side_by_side: bool = True,
    ) -> None:
        self.recipe, self.compute = recipe, compute
        self.total_steps, self.parts = recipe.epochs * plan.steps, recipe.schedule(plan.steps)
        self.whiten_steps = min(round(recipe.whiten_epochs * plan.steps), self.total_steps)
        self.sizes = recipe.sizes(self.total_steps)
        self.side: int | None = None
        network = CifarNet(widths, depth, activation=recipe.activation)
        filters = whitening_filters(normalize(plan.images[:5000].cpu()))
        network.whiten.weight.data.copy_(network.gain * filters)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = recipe.batch_norm_momentum
        network.to(compute.device).to(memory_format=torch.channels_last)
        if compute.compiled:
            network.compile()
        elif side_by_side and compute.device.type == "cpu" and compute.precision == "bfloat16":
            lay_side_by_side(network)
        super().__init__(network, self._make_optimizers(network), compute.processes)
        self.peaks = [group["lr"] for group in self._groups()]

    def _make_optimizers(self, network: CifarNet) -> dict[str, torch.optim.Optimizer]:
        """Muon for the kernels; Nesterov SGD for the biases and the head, which decay."""
        recipe = self.recipe
        # A shift of gain · x learns like one of x when its rate is gain² times as high.
        bias_lr = recipe.bias_lr * network.gain**2
        trained = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
        self.whiten_bias = next(p for n, p in trained if n == "whiten.bias")
        kernels = [p for _, p in trained if p.ndim == 4]
        biases = [p for n, p in trained if p.ndim == 1 and not n.startswith("whiten")]
        self.decay = recipe.weight_decay * recipe.batch * recipe.keep_ratio  # a step, at the peak
        groups = [
            {"params": group, "lr": rate, "weight_decay": self.decay / rate}
            for group, rate in (
                ([self.whiten_bias], bias_lr),
                (biases, bias_lr),
                ([network.head.weight], recipe.head_lr),
            )
        ]
        self.muon = Muon(kernels, lr=recipe.muon_lr, momentum=recipe.muon_momentum)
        sgd = torch.optim.SGD(groups, lr=1.0, momentum=recipe.momentum, nesterov=True)
        return {"muon": self.muon, "sgd": sgd}

    def _groups(self) -> list[dict[str, Any]]:
        return [*self.optimizers["sgd"].param_groups, *self.muon.param_groups]

    def part_at(self, step: int) -> Part:
        """Return the part of the run in which a step lies."""
        return next((part for part in self.parts if step < part.stop), self.parts[-1])

    def begin(self, step: int) -> None:
        """Set the learning rates and the images' size for a step: all rates fall to zero."""
        part = self.part_at(step)
        left = part.left(step)
        whiten_left = max(0.0, 1 - step / max(self.whiten_steps, 1))
        shares = [whiten_left] + [left] * (len(self.peaks) - 1)
        for group, peak, share in zip(self._groups(), self.peaks, shares, strict=True):
            group["lr"] = peak * part.height * share
            if group.get("weight_decay"):  # which the optimizer multiplies by the learning rate
                group["weight_decay"] = self.decay / (peak * part.height)
        # Once its bias stands still, nothing below the first block needs a gradient.
        self.whiten_bias.requires_grad_(step < self.whiten_steps)
        self.side = next((side for stop, side in self.sizes if step < stop), None)
        self.network.train()

    def restart(self) -> None:
        """Forget all momentum: a part begins."""
        for optimizer in self.optimizers.values():
            optimizer.state.clear()

    def losses(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each image's loss (N,) and the logits (N, 10), both float32."""
        if self.side is not None:
            inputs = shrink(inputs, self.side)
        with self.compute.autocast():
            logits = self.network(inputs)
        logits = logits.float()
        losses = functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=self.recipe.label_smoothing
        )
        return losses, logits

    def learn(self, losses: Tensor, step: int = 0, totals: Tensor | None = None) -> None:
        """Take one step down the sum of the losses of all processes; see `Student.descend`."""
        share = len(losses) * self.processes.count  # the average makes it a sum again
        self.descend(losses.mean() * share, step, totals)
