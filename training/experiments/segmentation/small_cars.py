"""Short trainings of small U-Nets on Carvana's studio, a minute or two each on one core.

The images are smaller than the shipped network's, the recipe is plain: AdamW, a warm-up and a
cosine, cross-entropy and Dice, one network from random weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn
from torch.nn import functional

from training.data.cars.augment_cars import CarAugmentation, TrainingSources
from training.data.cars.photometric_jitter import PhotometricJitter
from training.data.carvana_photos import ImageMaskPair, normalize
from training.engine.compute import ComputeConfig
from training.metrics.mask_losses import LOSSES
from zoo.networks.numpy_cnn.schedules import warmup_cosine
from zoo.networks.segmentation.unet import DoubleConv, UNet
from zoo.segmentation.masks import Mask, boundary_iou, iou

EDGE = 3  # pixels: a wrong pixel so near to the true edge is an error of the edge
PLAIN = PhotometricJitter(0, 0, 0, 0, gray=0, hue=0, blur=0, noise=0, jpeg=0)
Probe = Callable[[int, nn.Module], None]
Predict = Callable[[nn.Module, Tensor], Tensor]


@dataclass(frozen=True)
class StudioRecipe:
    """How a small U-Net is made and taught.

    Attributes:
        learning_rate: the peak, of AdamW.
        widths: channels by level, from half the resolution down.
        skips: whether there are skip connections.
        fine_level: whether a level at the full resolution is put on top.
        resolution: the longest side of the images, in pixels; 3 : 2.
        images: learned from, with repetitions.
        batch: images a step.
        zoom: the smallest and largest scale of a photo.
        jitter: whether colours and sharpness change.
        loss: one of `training.metrics.mask_losses.LOSSES`.
    """

    learning_rate: float
    widths: tuple[int, ...] = (16, 32, 64, 96)
    skips: bool = True
    fine_level: bool = False
    resolution: int = 192
    images: int = 2400
    batch: int = 8
    zoom: tuple[float, float] = (0.9, 1.1)
    jitter: bool = False
    loss: str = "bce+dice"

    @classmethod
    def of(cls, key: Mapping[str, Any]) -> StudioRecipe:
        """Return the recipe that a cell's key describes; what else it holds is left alone."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in key.items() if name in known}
        for name in ("widths", "zoom"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON gives it back."""
        return asdict(self) | {"widths": list(self.widths), "zoom": list(self.zoom)}

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the training images."""
        return round(self.resolution * 2 / 3), self.resolution


class FineUNet(nn.Module):
    """A U-Net with one more level, at the image's own resolution.

    The usual one begins with squares of 2 × 2 pixels. Here two narrow convolutions work on single
    pixels first, and two more put their answer together with the U-Net's.

    The input is float32 (N, 3, H, W); the output is the logits, (N, 1, H, W).
    """

    def __init__(self, widths: Sequence[int], width: int = 12) -> None:
        super().__init__()
        self.coarse = UNet(widths)
        self.fine = DoubleConv(3, width)
        self.join = DoubleConv(width + 1, width)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, 1, H, W)."""
        coarse = self.coarse(x)
        return coarse + self.head(self.join(torch.cat([self.fine(x), coarse], dim=1)))


def make_network(recipe: StudioRecipe, seed: int) -> nn.Module:
    """Return the network with the initial weights of a seed, in the layout that is fastest."""
    torch.manual_seed(seed)
    made: nn.Module = (
        FineUNet(recipe.widths) if recipe.fine_level else UNet(recipe.widths, recipe.skips)
    )
    return made.to(memory_format=torch.channels_last)


def train(
    recipe: StudioRecipe,
    photos: Sequence[ImageMaskPair],
    seed: int,
    compute: ComputeConfig,
    probe: Probe | None = None,
) -> nn.Module:
    """Train a network on studio photos and return it.

    Args:
        photos: to learn from.
        seed: of the initial weights, the order and everything drawn.
        probe: is called with the step's number and the network, when the gradients are there and
            before the optimizer moves.
    """
    network = make_network(recipe, seed).train()
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
    augmentation = CarAugmentation(
        *recipe.size, street=0.0, paste=0.0, zoom=recipe.zoom, stretch=0.0,
        jitter=PhotometricJitter() if recipe.jitter else PLAIN,
    )  # fmt: skip
    steps = max(1, recipe.images // recipe.batch)
    for step in range(steps):
        numbers = range(step * recipe.batch, (step + 1) * recipe.batch)
        inputs, target = batch_of(augmentation, photos, numbers, seed)
        for group in optimizer.param_groups:
            group["lr"] = warmup_cosine(
                step, steps=steps, warmup=max(1, steps // 20), peak=recipe.learning_rate
            )
        with compute.autocast():
            logits = network(inputs)
        loss = LOSSES[recipe.loss](logits.float(), target)
        optimizer.zero_grad()
        loss.backward()
        if probe is not None:
            probe(step, network)
        optimizer.step()
        if not math.isfinite(loss.item()):
            break
    return network.eval()


def batch_of(
    augmentation: CarAugmentation, photos: Sequence[ImageMaskPair], numbers: range, seed: int
) -> tuple[Tensor, Tensor]:
    """Return images of a training and their masks: float32 (N, 3, H, W) and (N, 1, H, W).

    Every photo comes once before any comes twice; an image depends on its number and the seed.
    """
    examples = []
    for number in numbers:
        turn, place = divmod(number, len(photos))
        order = np.random.default_rng((seed, 0, turn)).permutation(len(photos))
        rng = np.random.default_rng((seed, 1, number))
        examples.append(augmentation(TrainingSources(photos), int(order[place]), rng))
    images, shares = (torch.from_numpy(np.stack(part)) for part in zip(*examples, strict=True))
    inputs = normalize(images).contiguous(memory_format=torch.channels_last)
    return inputs, shares[:, None].float() / 255


def scaled(image: NDArray[np.uint8], resolution: int) -> Tensor:
    """Return an image as a network's input, its longest side scaled: float32 (1, 3, H, W)."""
    height, width = image.shape[:2]
    scale = resolution / max(height, width)
    if scale != 1:
        size = (round(width * scale), round(height * scale))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return normalize(torch.from_numpy(image.copy())[None]).contiguous()


@torch.inference_mode()
def probabilities(
    network: nn.Module, image: NDArray[np.uint8], resolution: int, compute: ComputeConfig,
    predict: Predict | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """Return what a network says of an image, at the image's own size: float32 (H, W).

    Args:
        predict: how the network is asked; None calls it.
    """
    inputs = scaled(image, resolution).contiguous(memory_format=torch.channels_last)
    with compute.autocast():
        logits = predict(network, inputs) if predict else network(inputs)
    size = image.shape[:2]
    full = functional.interpolate(logits.float(), size, mode="bilinear", align_corners=False)
    return full.sigmoid()[0, 0].nan_to_num(0.0).numpy()


def quality(
    network: nn.Module, pairs: Sequence[ImageMaskPair], resolution: int, compute: ComputeConfig,
    predict: Predict | None = None,
) -> dict[str, float]:  # fmt: skip
    """Return the means over images, at their own size and threshold ½: iou, boundary_iou, and
    edge_errors, the share of the wrong pixels that lie within `EDGE` pixels of the true edge."""
    found = []
    for pair in pairs:
        image, true = pair.read()
        said = probabilities(network, image, resolution, compute, predict) >= 0.5
        found.append((iou(said, true), boundary_iou(said, true), edge_errors(said, true)))
    means = np.mean(found, axis=0).tolist()
    return dict(zip(("iou", "boundary_iou", "edge_errors"), means, strict=True))


def edge_errors(predicted: Mask, true: Mask) -> float:
    """Return which share of the wrong pixels lies within `EDGE` pixels of the true edge."""
    wrong = predicted != true
    if not wrong.any():
        return 1.0
    away = np.where(true, distance_transform_edt(true), distance_transform_edt(~true))
    return float((away[wrong] <= EDGE).mean())


def gflop(network: nn.Module, size: tuple[int, int], predict: Predict | None = None) -> float:
    """Return 10⁹ multiplications and additions of one answer, for an image (height, width)."""
    from torch.utils.flop_counter import FlopCounterMode

    inputs = torch.zeros(1, 3, *size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _ = predict(network, inputs) if predict else network(inputs)
    return round(counter.get_total_flops() / 1e9, 4)


def parameters(network: nn.Module) -> int:
    """Return how many numbers are trained."""
    return sum(p.numel() for p in network.parameters())


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a function returns, and its seconds."""
    start = time.perf_counter()
    return work(), round(time.perf_counter() - start, 1)


def named(network: nn.Module, kernel: int = 3) -> Iterator[tuple[str, nn.Conv2d]]:
    """Yield the convolutions with kernels of a size, by name, in the order of computation."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (kernel, kernel):
            yield name, module
