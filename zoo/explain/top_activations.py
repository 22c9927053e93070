"""Which of many images excite a channel most, and where in them (Zeiler & Fergus 2014, §2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.graph.layers import is_module
from zoo.models import Model

_BATCH = 64  # images per forward pass: bounds the memory of the activations


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
        One :class:`TopActivations` a layer, by name, in the order of computation.

    Raises:
        ZooError: ``inputs`` has another shape, or no image.

    Example:
        >>> from zoo.networks.numpy_cnn import NumpyCNN
        >>> found = peaks(NumpyCNN(channels=(4, 8)), np.zeros((3, 1, 28, 28), np.float32))
        >>> found["relu2"].values.shape
        (3, 8)
    """
    if inputs.ndim != 4 or not len(inputs):
        raise ZooError(f"The images must be (N, C, H, W) with N of at least 1, not {inputs.shape}.")
    network = subject.network if isinstance(subject, Model) else subject
    parts: dict[str, list[TopActivations]] = {}
    for start in range(0, len(inputs), _BATCH):
        for name, values in _outputs(network, inputs[start : start + _BATCH]):
            flat = values.reshape(*values.shape[:2], -1)
            places = flat.argmax(axis=2).astype(np.int32)
            largest = np.take_along_axis(flat, places[..., None], axis=2)[..., 0]
            columns = values.shape[3] if values.ndim == 4 else 1
            parts.setdefault(name, []).append(TopActivations(largest, places, columns))
    return {
        name: TopActivations(
            np.concatenate([part.values for part in found]).astype(np.float32),
            np.concatenate([part.places for part in found]),
            found[0].columns,
        )
        for name, found in parts.items()
    }


def _outputs(network: Any, batch: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every layer's output for a batch, maps (N, C, H, W) or features (N, F)."""
    if not is_module(network):
        yield from network.activations(batch).items()
        return
    import torch

    from zoo.graph.torch_trace import Runner

    runner, outputs = Runner(network), []
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        runner(
            torch.from_numpy(batch).to(device),
            watch=lambda _, value: outputs.append(value.float().cpu().numpy().copy()),
        )
    for call, values in zip(runner.recorder.calls(), outputs, strict=True):
        if len(values) == len(batch) and values.ndim in (2, 4):
            yield call.layer.name, values
