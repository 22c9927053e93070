"""What a torch classifier answers to a data set, from one view of each image or from six."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training.data.augment_images import normalize
from training.data.cifar_images import LabelledImages
from training.engine.compute import ComputeConfig
from training.engine.failures import TrainingError


@torch.inference_mode()
def predict(
    network: nn.Module,
    images: NDArray[np.uint8],
    compute: ComputeConfig,
    augmented: bool = False,
    batch: int = 500,
) -> Tensor:
    """Return the logits, float32 (N, K), on the CPU.

    Args:
        network: it is left in evaluation mode.
        images: uint8 (N, H, W, 3).
        compute: gives device and precision.
        augmented: average over six `views` (test-time augmentation) instead of one.
        batch: images a forward pass.
    """
    network.eval()
    parts = []
    for first in range(0, len(images), batch):
        inputs = normalize(torch.from_numpy(images[first : first + batch]).to(compute.device))
        with compute.autocast():
            answers = [
                weight * network(view).float()
                for weight, view in (views(inputs) if augmented else [(1.0, inputs)])
            ]
        parts.append(torch.stack(answers).sum(dim=0).cpu())
    return torch.cat(parts)


def views(inputs: Tensor) -> list[tuple[float, Tensor]]:
    """Return six views of images (N, 3, H, W), with the weights they count with.

    Those of airbench: the image (½), and the image shifted by one pixel up and left and down
    and right (¼ each), all of them half as such and half mirrored.
    """
    height, width = inputs.shape[2:]
    padded = functional.pad(inputs, (1, 1, 1, 1), mode="reflect")
    shifted = [padded[:, :, d : d + height, d : d + width] for d in (0, 2)]
    weighted = [(0.25, inputs), (0.125, shifted[0]), (0.125, shifted[1])]
    return [(weight, seen) for weight, view in weighted for seen in (view, view.flip(3))]


def measure(
    network: nn.Module, examples: LabelledImages, compute: ComputeConfig, augmented: bool = False
) -> dict[str, float]:
    """Return loss (nats, without smoothing) and accuracy in evaluation mode.

    Every process measures its part of the images, and all return the same.

    Raises:
        TrainingError: if the loss is not a number.
    """
    processes = compute.processes
    own = slice(processes.rank, None, processes.count)
    labels = torch.from_numpy(examples.labels[own])
    logits = predict(network, examples.images[own], compute, augmented)
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    correct = (logits.argmax(dim=1) == labels).sum()
    sums = torch.stack([loss, correct.float()]).to(compute.device)
    processes.average([sums])
    mean_loss, accuracy = (float(s) * processes.count / len(examples) for s in sums)
    if not math.isfinite(mean_loss):
        raise TrainingError("The validation loss is not a number; the last checkpoint is kept.")
    return {"loss": mean_loss, "accuracy": accuracy}
