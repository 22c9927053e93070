"""Which number of a network's answer is explained: a class's, or what a map says about some pixels.

A classifier answers (N, K) logits. A segmentation network answers (N, K, H, W): maps of logits, one
a class, or one alone that is positive where the object is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.functions import sigmoid, softmax
from zoo.models import Model


@dataclass(frozen=True, eq=False)
class Target:
    """One number of an answer.

    Attributes:
        index: The class.
        pixels: For maps: float32 (H, W), how much each pixel counts; their sum is 1. Else None.
    """

    index: int
    pixels: np.ndarray | None = None

    def of(self, answers: Any) -> Any:
        """Return the number of each of N answers, arrays or tensors: (N,)."""
        chosen = answers[:, self.index]
        if self.pixels is None:
            return chosen
        weights = self.pixels if isinstance(answers, np.ndarray) else chosen.new_tensor(self.pixels)
        return (chosen * weights).sum((1, 2))


def target_of(subject: Any, target: int | str | None, answer: np.ndarray) -> Target:
    """Return what is explained of an answer.

    Args:
        subject: A model, whose labels may be used, or a bare network.
        target: The class, by label or index; None for the predicted one, which for maps of several
            classes is the one with the most pixels. For maps, the pixels are those that are found
            to show it; all if none is.
        answer: (1, K) or (1, K, H, W) logits.

    Raises:
        ZooError: There is no such class, or the answer has another shape.
    """
    if answer.ndim not in (2, 4):
        raise ZooError(
            f"The answer has the shape {answer.shape[1:]}; logits (K,) or maps of logits (K, H, W) "
            "can be explained."
        )
    index, count = _index(subject, target), answer.shape[1]
    if index is not None and not 0 <= index < count:
        raise ZooError(f"Class {index} does not exist; the classes are 0 to {count - 1}.")
    if answer.ndim == 2:
        return Target(int(answer[0].argmax()) if index is None else index)
    shown = answer[0].argmax(axis=0) if count > 1 else np.where(answer[0, 0] > 0, 0, -1)
    if index is None:
        index = int(np.bincount(shown.ravel()).argmax()) if count > 1 else 0
    found = (shown == index) if (shown == index).any() else np.ones(shown.shape, bool)
    return Target(index, (found / found.sum()).astype(np.float32))


def _index(subject: Any, target: int | str | None) -> int | None:
    """Return a class's index, by its label if need be.

    Raises:
        ZooError: The label is unknown, or the network has no labels.
    """
    if target is None:
        return None
    if not isinstance(target, str):
        return int(target)
    labels = subject.labels if isinstance(subject, Model) else ()
    if target not in labels:
        raise ZooError(f"{target!r} is no label; the labels are {', '.join(labels) or 'unknown'}.")
    return labels.index(target)


def probabilities(answers: np.ndarray) -> np.ndarray:
    """Return answers (N, K) or (N, K, H, W) as probabilities; a single logit by the sigmoid."""
    if answers.shape[1] == 1:
        return sigmoid(answers)
    return np.moveaxis(softmax(np.moveaxis(answers, 1, -1)), -1, 1)


def differentiable(
    network: Any, inputs: np.ndarray, subject: Any, target: int | str | None
) -> Callable[[Any], Any]:
    """Return a function from inputs (N, C, H, W) to the N numbers that are explained.

    Args:
        network: A private copy, which the function calls.
        inputs: float32 (1, C, H, W); what is explained is chosen by the answer to it.
        subject: Whose labels count.
        target: As for :func:`target_of`.

    Raises:
        ZooError: The network fails on the input, there is no such class, or the answer has no
            gradient; the message names the layer that ends it.
    """
    from zoo.graph.modules import answer_of, array, tensor
    from zoo.graph.torch_trace import Runner

    ended: list[int] = []

    def watch(number: int, value: Any) -> None:
        if not value.requires_grad:
            ended.append(number)

    runner = Runner(network)
    answer = runner(tensor(inputs, network).requires_grad_(), watch=watch)
    if not answer.requires_grad:
        names = [call.layer.name for call in runner.recorder.calls()]
        where = names[ended[0]] if ended else "the input"
        raise ZooError(f"The answer has no gradient to follow: it ends at {where}.")
    chosen = target_of(subject, target, array(answer))
    return lambda x: chosen.of(answer_of(network(x.clone())))  # it may work in place
