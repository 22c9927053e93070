"""Which of many images excite a channel most, and where in them (Zeiler & Fergus 2014, §2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.subject import bare, check_size, floats
from zoo.graph.layers import is_module

if TYPE_CHECKING:
    from torch import Tensor

_BATCH = 16  # images per forward pass: bounds the memory of the activations


@dataclass(frozen=True, eq=False)
class StrongestAnswers:
    """The images that excite each channel of one layer most, and where in them.

    Attributes:
        images: uint16 (C, K): numbers of the images, the strongest first.
        places: uint16 (C, K): where in the map the largest value stands, counted row by row.
        values: float32 (C, K).
        columns: Width of the map; 1 for features.
    """

    images: np.ndarray
    places: np.ndarray
    values: np.ndarray
    columns: int

    def of(self, channel: int) -> list[tuple[int, int, int, float]]:
        """Return (image, row, column, value) for a channel, best first."""
        return [
            (int(image), *divmod(int(place), self.columns), float(value))
            for image, place, value in zip(
                self.images[channel], self.places[channel], self.values[channel], strict=True
            )
        ]


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

    def strongest(self, count: int) -> StrongestAnswers:
        """Return the strongest answers of every channel, to be kept.

        Args:
            count: images a channel.

        Raises:
            ZooError: The images or the map's positions are too many for two bytes.
        """
        order = np.argsort(-self.values, axis=0, kind="stable")[:count]
        places = np.take_along_axis(self.places, order, axis=0)
        if max(int(order.max()), int(places.max())) > np.iinfo(np.uint16).max:
            raise ZooError("More than 65,536 images, or positions of a map, cannot be recorded.")
        return StrongestAnswers(
            order.T.astype(np.uint16),
            places.T.astype(np.uint16),
            np.take_along_axis(self.values, order, axis=0).T.astype(np.float32),
            self.columns,
        )


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
    parts: dict[str, list[TopActivations]] = {}
    for name, found in _largest(bare(subject), images):
        parts.setdefault(name, []).append(found)
    return {
        name: TopActivations(
            np.concatenate([part.values for part in found]).astype(np.float32),
            np.concatenate([part.places for part in found]).astype(np.int32),
            found[0].columns,
        )
        for name, found in parts.items()
    }


def _largest(network: Any, inputs: np.ndarray) -> Iterator[tuple[str, TopActivations]]:
    """Yield every layer's largest values, batch by batch."""
    batches = (inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH))
    if is_module(network):
        yield from _largest_of_module(network, batches)
        return
    check_size(network, inputs)
    for batch in batches:
        for name, values in network.activations(batch).items():
            flat = values.reshape(*values.shape[:2], -1)
            places = flat.argmax(axis=2)
            largest = np.take_along_axis(flat, places[..., None], axis=2)[..., 0]
            yield name, TopActivations(largest, places, _columns(values))


def _largest_of_module(
    network: Any, batches: Iterable[np.ndarray]
) -> Iterator[tuple[str, TopActivations]]:
    """Do the same for an ``nn.Module``; of a layer's output no more than its maxima is kept."""
    from zoo.graph.modules import array, own_settings, tensor
    from zoo.graph.torch_trace import Runner

    runner = Runner(network)
    outputs: list[TopActivations | None] = []

    def watch(_: int, value: Tensor) -> None:
        if value.ndim not in (2, 4) or len(value) != count:
            outputs.append(None)
            return
        largest, places = value.flatten(2).max(2) if value.ndim == 4 else (value, value * 0)
        where = places.cpu().numpy().astype(np.int32)
        outputs.append(TopActivations(array(largest), where, _columns(value)))

    for batch in batches:
        count = len(batch)
        outputs.clear()
        with own_settings():
            runner(tensor(batch, network), watch=watch)
        for call, found in zip(runner.recorder.calls(), outputs, strict=True):
            if found is not None:
                yield call.layer.name, found


def _columns(values: Any) -> int:
    return int(values.shape[3]) if values.ndim == 4 else 1
