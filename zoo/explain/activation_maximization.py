"""Activation maximization: an image made to excite one channel.

Erhan et al. 2009, "Visualizing higher-layer features of a deep network"; the parts that make such
images readable are those of Olah, Mordvintsev & Schubert 2017, "Feature visualization" (Distill):
the image is a spectrum, so that all frequencies learn at one pace; RGB is decorrelated; and it is
shifted by random steps, so that what is found does not hang on single pixels.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.explain.subject import module
from zoo.graph.modules import own_settings, private_copy, tensor
from zoo.graph.torch_trace import Runner
from zoo.models import Model

# progress(step, steps, image): called after each step; raising ends the optimization.
Progress = Callable[[int, int, np.ndarray], None]

# Square root of the covariance of RGB in natural images, as published with Lucid (Olah et al.).
_COLOUR = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)
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
    random = torch.Generator("cpu").manual_seed(seed)
    with own_settings(gradients=True):
        depth, mean, std = _normalization(subject, channels)
        network = private_copy(module(subject), share=True)
        runner = Runner(network)
        blank = tensor(np.zeros((1, depth, *size), np.float32), network)
        number = _number(runner, blank, layer, channel)
        mean, std = mean.to(blank.device), std.to(blank.device)
        spectrum, scale = (values.to(blank.device) for values in _spectrum(depth, size, random))
        spectrum.requires_grad_()
        optimizer = torch.optim.Adam([spectrum], lr=_RATE)
        for step in range(1, steps + 1):
            shift = _shift(jitter, random)
            shifted = torch.roll(_image(spectrum, scale, size), shift, (2, 3))
            inputs = ((shifted - mean) / std).to(blank.dtype)
            value = runner.until(number, inputs)[0, channel].mean()
            if not value.requires_grad:
                raise ZooError(f"No gradient leads from {layer} to the image.")
            (spectrum.grad,) = torch.autograd.grad(-value, spectrum)
            optimizer.step()
            if progress and (step % max(1, steps // 10) == 0 or step == steps):
                progress(step, steps, _pixels(spectrum, scale, size))
        return _pixels(spectrum, scale, size)


def _shift(jitter: int, random: torch.Generator) -> list[int]:
    """Return by how many rows and columns the image is moved."""
    steps = torch.randint(-jitter, jitter + 1, (2,), generator=random, device="cpu")
    return [int(step) for step in steps]


def _normalization(subject: Any, channels: int) -> tuple[int, Tensor, Tensor]:
    """Return the input's channels, mean and standard deviation."""
    if not isinstance(subject, Model):
        return channels, torch.tensor(0, dtype=torch.float32), torch.tensor(1, dtype=torch.float32)
    found = subject.preprocessing
    mean, std = (
        np.asarray(values, np.float32)[:, None, None] for values in (found.mean, found.std)
    )
    return found.channels, torch.from_numpy(mean), torch.from_numpy(std)


def _number(runner: Runner, blank: Tensor, layer: str, channel: int) -> int:
    """Return the number of the layer to raise: the one in front of an activation."""
    with torch.no_grad():
        runner(blank)
    calls = runner.recorder.calls()
    names = [call.layer.name for call in calls]
    if layer not in names:
        near = difflib.get_close_matches(layer, names, n=3, cutoff=0.4) or names[:3]
        hint = " or ".join(map(repr, near))
        raise ZooError(f"The network has no layer {layer!r}; it has for example {hint}.")
    found = calls[names.index(layer)].layer
    if not found.shape or not 0 <= channel < found.shape[0]:
        raise ZooError(f"{layer} has the channels 0 to {found.shape[0] - 1}, not {channel}.")
    if found.kind == "activation" and found.inputs[0] in names:
        return names.index(found.inputs[0])
    return names.index(layer)


def _spectrum(depth: int, size: tuple[int, int], random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a random spectrum and the scale of each frequency: its wavelength, as in nature."""
    height, width = size
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.sqrt(rows**2 + columns**2).clip(min=1 / max(size))
    scale = torch.from_numpy(((height * width) ** 0.5 / frequency).astype(np.float32))
    form: dict[str, Any] = {"generator": random, "dtype": torch.float32, "device": "cpu"}
    return 0.01 * torch.randn(1, depth, *scale.shape, 2, **form), scale


def _image(spectrum: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (1, C, H, W) in (0, 1)."""
    waves = torch.view_as_complex(spectrum) * scale
    image = torch.fft.irfft2(waves, s=size) / 4  # Lucid's factor
    if image.shape[1] == 3:
        colour = image.new_tensor(_COLOUR / np.linalg.norm(_COLOUR, axis=0).max())
        image = torch.einsum("nchw,dc->ndhw", image, colour)
    return torch.sigmoid(image)


def _pixels(spectrum: Tensor, scale: Tensor, size: tuple[int, int]) -> np.ndarray:
    with torch.no_grad():
        image = (_image(spectrum, scale, size)[0] * 255).round().byte().cpu().numpy()
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)
