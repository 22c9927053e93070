"""Attribution by gradients, and whether a method explains the network at all.

Integrated gradients: Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks",
computed by captum. The check: Adebayo et al. 2018, "Sanity checks for saliency maps": a map that
stays the same when the weights are random shows the image, not what the network has learned.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
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
            network that answers with a map of logits, None means the mean logit of the pixels that
            it finds (all pixels if it finds none), and an index one channel's.
        steps: Points on the way.
        fill: Value of the empty image, in [0, 1] before normalization for a model, in input units
            for a bare network.

    Returns:
        float32 array (H, W) of the network's input size: summed over the input's channels.

    Raises:
        ImageError: The image cannot be used.
        ZooError: There is no such class, or ``steps`` is below 1.
    """
    import torch
    from captum.attr import IntegratedGradients

    from zoo.explain.subject import module_of
    from zoo.graph.torch_trace import shared_copy

    if steps < 1:
        raise ZooError(f"Integrated gradients takes at least one step, not {steps}.")
    module, inputs, device = module_of(subject, image)
    network = shared_copy(module)
    x = torch.from_numpy(inputs).to(device)
    score = score_of(network, x, class_index(subject, target))
    baseline = torch.from_numpy(empty(subject, inputs, fill)).to(device)
    explained = IntegratedGradients(score).attribute(
        x, baselines=baseline, n_steps=steps, internal_batch_size=16
    )
    return explained[0].sum(0).detach().float().cpu().numpy()


def class_index(subject: Any, target: int | str | None) -> int | None:
    """Return a class's index.

    Raises:
        ZooError: The label is unknown, or the network has no labels.
    """
    if not isinstance(target, str):
        return target
    labels = subject.labels if isinstance(subject, Model) else ()
    if target not in labels:
        raise ZooError(f"{target!r} is no label; the labels are {', '.join(labels) or 'unknown'}.")
    return labels.index(target)


def empty(subject: Any, inputs: np.ndarray, fill: float) -> np.ndarray:
    """Return an input like ``inputs`` of an empty image with that brightness."""
    value = subject.preprocessing.constant(fill) if isinstance(subject, Model) else fill
    return np.full_like(inputs, value)


def score_of(network: Any, x: Any, index: int | None) -> Callable[[Any], Any]:
    """Return a function from inputs (N, C, H, W) to the N numbers that are explained."""
    import torch

    with torch.no_grad():
        answer = network(x)
    count = answer.shape[1]
    if index is not None and not 0 <= index < count:
        raise ZooError(f"Class {index} does not exist; the classes are 0 to {count - 1}.")
    if answer.ndim == 2:
        chosen = int(answer[0].argmax()) if index is None else index
        return lambda inputs: network(inputs)[:, chosen]
    channel = index or 0
    found = (answer[0, channel] > 0).to(answer.dtype)
    weights = found if found.any() else torch.ones_like(found)
    weights = weights / weights.sum()
    return lambda inputs: (network(inputs)[:, channel] * weights).sum((1, 2))


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
        subject: A model or an ``nn.Module``.
        image: The image.
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

    from zoo.explain.subject import twin
    from zoo.graph.layers import is_module

    network = subject.network if isinstance(subject, Model) else subject
    network = copy.deepcopy(network) if is_module(network) else twin(network)
    devices = [p.device for p in network.parameters() if p.device.type == "cuda"][:1]
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(seed)
        for module in network.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
                continue
            for parameter in module.parameters(recurse=False):
                std = parameter.std(correction=0)
                parameter.copy_(torch.randn_like(parameter) * std + parameter.mean())
    if not isinstance(subject, Model):
        return network
    other = copy.copy(subject)
    other.network = network
    return other
