"""Which of many images excite a channel most, and where in them (Zeiler & Fergus 2014, §2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.subject import bare, check_size, floats
from zoo.graph.layers import is_module

_BATCH = 16  # images per forward pass: bounds the memory of the activations

Outputs = Callable[[np.ndarray], Iterable[tuple[str, "TopActivations"]]]


@dataclass(frozen=True, eq=False)
class TopActivations:
    """The largest value of every channel of one layer on every image.

    Attributes:
        values: float32 (N, C).
        places: int32 (N, C): where in the map it stands, counted row by row; 0 for features.
        columns: Width of the map; 1 for features.
    """

    values: np.ndarray
    places: np.ndarray
    columns: int

    def best(self, channel: int, count: int) -> list[tuple[int, int, int]]:
        """Return (image, row, column) of the strongest answers of a channel, best first."""
        order = np.argsort(-self.values[:, channel], kind="stable")[:count]
        return [(int(i), *divmod(int(self.places[i, channel]), self.columns)) for i in order]


def top_activations(subject: Any, inputs: np.ndarray) -> dict[str, TopActivations]:
    """Return the largest value of every channel of every layer on every image.

    Args:
        subject: A model, a bare ``NumpyCNN`` or an ``nn.Module``.
        inputs: float32 (N, C, H, W), what the network takes: N normalized images of one size.

    Returns:
        One :class:`TopActivations` a layer, by name, in the order of computation, for the layers
        that give maps (N, C, H, W) or features (N, F).

    Raises:
        ZooError: ``inputs`` has another shape, or no image, or the network fails on them.

    Example:
        >>> from zoo.networks.numpy_cnn import NumpyCNN
        >>> found = top_activations(NumpyCNN(channels=(4, 8)), np.zeros((3, 1, 28, 28), np.float32))
        >>> found["relu2"].values.shape
        (3, 8)
    """
    images = floats(inputs)
    if images is None or images.ndim != 4 or not len(images):
        raise ZooError(
            "The images must be floats (N, C, H, W) with N of at least 1, not "
            f"{np.asarray(inputs).dtype} {np.shape(inputs)}."
        )
    outputs = _outputs_of(bare(subject), images)
    parts: dict[str, list[TopActivations]] = {}
    for start in range(0, len(images), _BATCH):
        for name, found in outputs(images[start : start + _BATCH]):
            parts.setdefault(name, []).append(found)
    return {
        name: TopActivations(
            np.concatenate([part.values for part in found]).astype(np.float32),
            np.concatenate([part.places for part in found]).astype(np.int32),
            found[0].columns,
        )
        for name, found in parts.items()
    }


def _outputs_of(network: Any, images: np.ndarray) -> Outputs:
    """Return what gives every layer's largest values for a batch (N, C, H, W)."""
    if not is_module(network):
        check_size(network, images)
        return lambda batch: (
            (name, _largest(values)) for name, values in network.activations(batch).items()
        )
    from zoo.graph.torch_trace import Runner

    return partial(_outputs, Runner(network), network)


def _largest(values: np.ndarray) -> TopActivations:
    flat = values.reshape(*values.shape[:2], -1)
    places = flat.argmax(axis=2).astype(np.int32)
    largest = np.take_along_axis(flat, places[..., None], axis=2)[..., 0]
    return TopActivations(largest, places, values.shape[3] if values.ndim == 4 else 1)


def _largest_of(values: Any) -> TopActivations:
    """Do the same where the tensor is; a copy of a whole layer's output would be large."""
    from zoo.graph.modules import array

    largest, places = values.flatten(2).max(2) if values.ndim == 4 else (values, values * 0)
    columns = int(values.shape[3]) if values.ndim == 4 else 1
    return TopActivations(array(largest), array(places).astype(np.int32), columns)


def _outputs(runner: Any, network: Any, batch: np.ndarray) -> Iterator[tuple[str, TopActivations]]:
    """Run a module; of a layer's output no more than its maxima is kept."""
    from zoo.graph.modules import own_settings, tensor

    found: list[TopActivations | None] = []

    def watch(_: int, value: Any) -> None:
        fits = value.ndim in (2, 4) and len(value) == len(batch)
        found.append(_largest_of(value) if fits else None)

    with own_settings():
        runner(tensor(batch, network), watch=watch)
    for call, largest in zip(runner.recorder.calls(), found, strict=True):
        if largest is not None:
            yield call.layer.name, largest
