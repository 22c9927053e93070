"""Attribution by gradients, and whether a method explains the network at all.

Integrated gradients: Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks",
computed by captum. The check: Adebayo et al. 2018, "Sanity checks for saliency maps": a map that
stays the same when the weights are random shows the image, not what the network has learned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.subject import module, resolve
from zoo.explain.target import differentiable
from zoo.models import Model

Method = Callable[[Any, Any], np.ndarray]  # (model, image) → map (H, W)


def integrated_gradients(
    subject: Any,
    image: Any,
    target: int | str | None = None,
    steps: int = 50,
    fill: float = 0.0,
) -> np.ndarray:
    """Return how much each pixel adds to an answer, compared with an empty image.

    The gradient of the class's logit, averaged over the straight way from the empty image to this
    one, times the difference of the two (eq. 1 of the paper; Gauss-Legendre quadrature). The map's
    sum is the difference of the two logits, up to the error of the quadrature (completeness).

    Args:
        subject: A model, a bare ``NumpyCNN`` (whose PyTorch twin is used) or an ``nn.Module``.
        image: An image for a model, a float array (C, H, W) for a bare network.
        target: The class, by label (models only) or index; None for the predicted one. For a
            network that answers with maps of logits it is the mean logit of the pixels that show
            that class (of all pixels if none does).
        steps: Points on the way.
        fill: Value of the empty image, in [0, 1] before normalization for a model, in input units
            for a bare network.

    Returns:
        float32 array (H, W) of the network's input size: summed over the input's channels.

    Raises:
        ImageError: The image cannot be used.
        ZooError: There is no such class, ``steps`` is below 1, or the network fails on this input
            or has no gradient; the message names the layer.
    """
    from captum.attr import IntegratedGradients

    from zoo.graph.modules import array, own_settings, private_copy, tensor

    if steps < 1:
        raise ZooError(f"Integrated gradients takes at least one step, not {steps}.")
    _, inputs = resolve(subject, image)
    with own_settings(gradients=True):
        network = private_copy(module(subject), share=True)
        score = differentiable(network, inputs, subject, target)
        explained = IntegratedGradients(score).attribute(
            tensor(inputs, network),
            baselines=tensor(_empty(subject, inputs, fill), network),
            n_steps=steps,
            internal_batch_size=16,
        )
        return array(explained[0].sum(0))


def _empty(subject: Any, inputs: np.ndarray, fill: float) -> np.ndarray:
    """Return an input like ``inputs`` of an empty image with that brightness."""
    value = subject.preprocessing.constant(fill) if isinstance(subject, Model) else fill
    return np.full_like(inputs, value)


@dataclass(frozen=True, eq=False)
class SanityCheck:
    """A map with the trained weights beside the same map with random ones.

    Attributes:
        trained, randomized: float32 arrays (H, W).
        correlation: Spearman's rank correlation of their absolute values, in [−1, 1], over the
            pixels where at least one of them is not zero (an empty background would agree with
            itself). Near 1: the method would have drawn nearly this map whatever the network had
            learned. NaN where there is nothing to compare.
    """

    trained: np.ndarray
    randomized: np.ndarray
    correlation: float


def sanity_check(subject: Any, image: Any, method: Method, seed: int = 0) -> SanityCheck:
    """Draw a map twice: with the trained weights and with random ones.

    Args:
        subject: A model, a bare ``NumpyCNN`` or an ``nn.Module``.
        image: The image, or the input of a bare network.
        method: A function (subject, image) → map (H, W), such as :func:`integrated_gradients` or
            :func:`zoo.explain.occlusion`. It should fix the class: a network with random weights
            predicts another one.
        seed: Of the random weights.

    Example:
        >>> check = sanity_check(model, image, integrated_gradients)  # doctest: +SKIP
        >>> check.correlation                                           # doctest: +SKIP
        0.41
    """
    from scipy.stats import spearmanr

    trained = method(subject, image)
    random = method(randomized(subject, seed), image)
    used = (trained != 0) | (random != 0)
    a, b = np.abs(trained[used]), np.abs(random[used])
    varies = len(a) > 2 and a.min() < a.max() and b.min() < b.max()
    correlation = float(spearmanr(a, b).statistic) if varies else float("nan")
    return SanityCheck(trained, random, correlation)


def randomized(subject: Any, seed: int = 0) -> Any:
    """Return the same model or network with random weights; the original is not touched.

    Every layer starts anew, as PyTorch starts it; parameters that belong to no such layer become
    normal numbers with the mean and standard deviation they had.

    Args:
        subject: A model, a ``NumpyCNN`` (the copy is its PyTorch twin) or an ``nn.Module``.
        seed: Of the random numbers; the global generator's state is kept.
    """
    import torch

    from zoo.graph.modules import own_settings, private_copy

    network = private_copy(module(subject))
    devices = [p.device for p in network.parameters() if p.device.type == "cuda"][:1]
    with own_settings(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for part in network.modules():
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
                continue
            for parameter in part.parameters(recurse=False):
                std = parameter.std(correction=0)
                parameter.copy_(torch.randn_like(parameter) * std + parameter.mean())
    if not isinstance(subject, Model):
        return network
    # Not copy.copy(subject): that would go on answering with the fast copy of the trained network.
    kind, device = type(subject), subject.device
    return kind(subject.name, subject.config, subject.record, network, device, subject.source)
