"""Activation maximization: an image made to excite one channel.

Erhan et al. 2009, "Visualizing higher-layer features of a deep network"; the parts that make such
images readable are those of Olah, Mordvintsev & Schubert 2017, "Feature visualization" (Distill):
the image is a spectrum, so that all frequencies learn at one pace; RGB is decorrelated; and it is
shifted by random steps, so that what is found does not hang on single pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.explain.subject import module_of
from zoo.graph.torch_trace import Runner
from zoo.models import Model

# progress(step, steps, image): called after each step; raising ends the optimization.
Progress = Callable[[int, int, np.ndarray], None]

# Square root of the covariance of RGB in natural images, as published with Lucid (Olah et al.).
_COLOUR = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
_RATE = 0.08  # Adam's step


def maximize_activation(
    subject: Any,
    layer: str,
    channel: int,
    size: tuple[int, int],
    steps: int = 96,
    seed: int = 0,
    jitter: int = 2,
    channels: int = 3,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return an image for which the mean of one map (or one feature) is as large as can be.

    For an activation such as ReLU it is the value in front of it that is raised: a silent ReLU has
    no gradient to follow.

    Args:
        subject: A model, a bare ``NumpyCNN`` (its PyTorch twin is used) or an ``nn.Module``.
        layer: A layer's name.
        channel: The map or feature.
        size: (height, width) of the image; a network of fixed input size takes only its own.
        steps: Of Adam.
        seed: Of the first image and the shifts.
        jitter: The largest shift, in pixels.
        channels: Of the input, for a bare network; a model knows its own.
        progress: Called with (step, steps, image so far) about ten times; what it raises ends the
            optimization.

    Returns:
        uint8 array (H, W, 3), or (H, W) for a network of gray images.

    Raises:
        ZooError: There is no such layer or channel.
    """
    depth, mean, std = _normalization(subject, channels)
    network = subject.network if isinstance(subject, Model) else subject
    blank = np.zeros((depth, *size), np.float32)
    module, _, device = module_of(network, blank)
    runner = Runner(module)
    mean, std = mean.to(device), std.to(device)
    number = _number(runner, torch.zeros(1, depth, *size, device=device), layer, channel)
    random = torch.Generator().manual_seed(seed)
    spectrum, scale = _spectrum(depth, size, random)
    spectrum, scale = spectrum.to(device).requires_grad_(), scale.to(device)
    optimizer = torch.optim.Adam([spectrum], lr=_RATE)
    for step in range(1, steps + 1):
        shift = torch.randint(-jitter, jitter + 1, (2,), generator=random).tolist()
        image = _image(spectrum, scale, size)
        shifted = torch.roll(image, shift, (2, 3))
        value = runner.until(number, (shifted - mean) / std)[0, channel].mean()
        (spectrum.grad,) = torch.autograd.grad(-value, spectrum)
        optimizer.step()
        if progress and (step % max(1, steps // 10) == 0 or step == steps):
            progress(step, steps, _pixels(spectrum, scale, size))
    return _pixels(spectrum, scale, size)


def _normalization(subject: Any, channels: int) -> tuple[int, Tensor, Tensor]:
    """Return the input's channels, mean and standard deviation."""
    if not isinstance(subject, Model):
        return channels, torch.zeros(channels, 1, 1), torch.ones(channels, 1, 1)
    found = subject.preprocessing
    mean, std = (torch.tensor(values)[:, None, None] for values in (found.mean, found.std))
    return found.channels, mean, std


def _number(runner: Runner, blank: Tensor, layer: str, channel: int) -> int:
    """Return the number of the layer to raise: the one in front of an activation."""
    with torch.no_grad():
        runner(blank)
    calls = runner.recorder.calls()
    names = [call.layer.name for call in calls]
    if layer not in names:
        raise ZooError(f"The network has no layer {layer!r}; it has for example {names[0]!r}.")
    found = calls[names.index(layer)].layer
    if not 0 <= channel < found.shape[0]:
        raise ZooError(f"{layer} has the channels 0 to {found.shape[0] - 1}, not {channel}.")
    if found.kind == "activation" and found.inputs[0] in names:
        return names.index(found.inputs[0])
    return names.index(layer)


def _spectrum(depth: int, size: tuple[int, int], random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a random spectrum and the scale of each frequency: its wavelength, as in nature."""
    height, width = size
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = torch.sqrt(rows**2 + columns**2).clamp(min=1 / max(size))
    spectrum = 0.01 * torch.randn(1, depth, *frequency.shape, 2, generator=random)
    return spectrum, (height * width) ** 0.5 / frequency


def _image(spectrum: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (1, C, H, W) in (0, 1)."""
    waves = torch.view_as_complex(spectrum) * scale
    image = torch.fft.irfft2(waves, s=size) / 4  # Lucid's factor
    if image.shape[1] == 3:
        colour = (_COLOUR / _COLOUR.norm(dim=0).max()).to(image)
        image = torch.einsum("nchw,dc->ndhw", image, colour)
    return torch.sigmoid(image)


def _pixels(spectrum: Tensor, scale: Tensor, size: tuple[int, int]) -> np.ndarray:
    with torch.no_grad():
        image = (_image(spectrum, scale, size)[0] * 255).round().byte().cpu().numpy()
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)
