"""The network: layers in a row, their names, their state, and a training step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zoo.networks.numpy_cnn.activation import Flatten, ReLU
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm
from zoo.networks.numpy_cnn.convolution import Convolution
from zoo.networks.numpy_cnn.dropout import Dropout
from zoo.networks.numpy_cnn.group_normalization import GroupNorm
from zoo.networks.numpy_cnn.layer import Array, Layer
from zoo.networks.numpy_cnn.layer_normalization import LayerNorm
from zoo.networks.numpy_cnn.linear import Linear
from zoo.networks.numpy_cnn.pooling import MaxPooling

if TYPE_CHECKING:
    import torch

# How a norm's layers are named: bn1, gn1, …
NORMS = {"batch": "bn", "group": "gn", "layer": "ln", "none": ""}
GROUPS = 8  # of GroupNorm; fewer where the channels do not split into so many


class NumpyCNN:
    """A classifier: blocks of [convolution → max pooling → norm → ReLU], then linear.

    Pooling comes straight after the convolution, as in Jordan 2024 (airbench): the norm and
    ReLU then work on a quarter of the values. Max and ReLU commute, so that nothing is lost.
    The first kernel is 5×5 without padding (28 → 24), the others 3×3 with padding 1.

    Args:
        in_channels: 1 for gray images, 3 for RGB.
        size: height and width of the images, in pixels.
        channels: output channels of each block.
        classes: K.
        dropout: probability for the features in front of the linear layer.
        norm: what normalizes: ``"batch"``, ``"group"``, ``"layer"`` or ``"none"``. Without a norm,
            whose β shifts, the convolutions have a bias.
        seed: of the initial weights and the dropout masks; None leaves the weights undefined,
            to be loaded.
        dtype: of all parameters: float32, or float64 to check gradients.

    Example:
        >>> network = NumpyCNN(channels=(4, 8))
        >>> network.forward(np.zeros((2, 1, 28, 28), np.float32)).shape
        (2, 10)
    """

    def __init__(
        self,
        in_channels: int = 1,
        *,
        size: int = 28,
        channels: Sequence[int] = (32, 64, 128),
        classes: int = 10,
        dropout: float = 0.0,
        norm: str = "batch",
        seed: int | None = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if norm not in NORMS:
            raise ValueError(f"norm is one of {', '.join(NORMS)}, not {norm!r}.")
        self.in_channels, self.size, self.classes = in_channels, size, classes
        self.channels, self.dropout, self.norm = tuple(channels), dropout, norm
        self.dtype = np.dtype(dtype)
        rng = None if seed is None else np.random.default_rng(seed)
        self.layers: dict[str, Layer] = {}
        width = in_channels
        for block, out in enumerate(self.channels, start=1):
            first = block == 1
            convolution = Convolution(
                width,
                out,
                kernel=5 if first else 3,
                padding=0 if first else 1,
                bias=norm == "none",
                rng=rng,
                dtype=dtype,
                needs_dx=not first,
            )
            self.layers[f"conv{block}"] = convolution
            self.layers[f"pool{block}"] = MaxPooling(2)
            if norm != "none":
                self.layers[f"{NORMS[norm]}{block}"] = _make_norm(norm, out, dtype)
            self.layers[f"relu{block}"] = ReLU()
            size = convolution.output_size(size) // 2
            if size < 1:
                raise ValueError(f"{block} blocks shrink a {self.size} px image to nothing.")
            width = out
        self.layers["flatten"] = Flatten()
        if dropout:
            self.layers["dropout"] = Dropout(dropout, np.random.default_rng((seed or 0, 1)))
        self.layers["linear"] = Linear(width * size * size, classes, rng=rng, dtype=dtype)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the logits (N, K) of images x (N, C, H, W).

        Args:
            x: normalized images, any floating dtype.
            training: use the batch's statistics and dropout, and keep what `backward` needs.

        Raises:
            ValueError: if x has another shape than the network was made for.
        """
        y = self._enter(x)
        for layer in self.layers.values():
            y = layer.forward(y, training)
        return np.ascontiguousarray(y.T)

    def backward(self, dlogits: Array) -> None:
        """Propagate ∂L/∂logits (N, K) back: every layer's ``gradients`` are set.

        Raises:
            RuntimeError: without a ``forward(x, training=True)`` before.
        """
        dy: Array | None = np.ascontiguousarray(dlogits.T, dtype=self.dtype)
        for layer in reversed(self.layers.values()):
            assert dy is not None
            dy = layer.backward(dy)

    def activations(self, x: Array) -> dict[str, Array]:
        """Return each layer's output in evaluation mode, by name and in order.

        Maps are (N, C, H, W), features (N, F), as in PyTorch. ``flatten`` and ``dropout`` are left
        out: they change nothing.
        """
        y = self._enter(x)
        outputs = {}
        for name, layer in self.layers.items():
            y = layer.forward(y)
            if not isinstance(layer, (Flatten, Dropout)):
                outputs[name] = np.ascontiguousarray(np.moveaxis(y, -1, 0))
        return outputs

    @property
    def parameters(self) -> dict[str, Array]:
        """The trainable arrays by name, such as ``conv1.weight``; changed in place by training."""
        return {
            f"{layer_name}.{name}": array
            for layer_name, layer in self.layers.items()
            for name, array in layer.parameters.items()
        }

    @property
    def gradients(self) -> dict[str, Array]:
        """∂L/∂parameter by the same names, after `backward`."""
        return {
            f"{layer_name}.{name}": array
            for layer_name, layer in self.layers.items()
            for name, array in layer.gradients.items()
        }

    @property
    def num_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(array.size for array in self.parameters.values())

    def state_dict(self) -> dict[str, NDArray]:
        """Return copies of all parameters and buffers, under the names PyTorch would give them."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Copy parameters and buffers in.

        Raises:
            ValueError: if a name is missing or unknown, or a shape differs; nothing is changed.
        """
        own = self.arrays
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise ValueError(f"The weights do not fit: missing {missing}, unknown {unknown}.")
        for name, array in own.items():
            if state[name].shape != array.shape:
                raise ValueError(
                    f"The weights do not fit: {name} is {state[name].shape}, not {array.shape}."
                )
        for name, array in own.items():
            array[...] = state[name]

    def to_torch(self) -> torch.nn.Module:
        """Return the same network, with a copy of the weights, as an ``nn.Sequential``.

        It is in evaluation mode. Its ``state_dict`` has the same names, so that one safetensors
        file loads into both. It takes (N, C, H, W) images and gives (N, K) logits, as this one.
        """
        import torch

        from zoo.networks.stand_alone import digit_cnn

        network = digit_cnn.build(
            self.in_channels, self.size, self.channels, self.classes, self.dropout, self.norm
        )
        state = {name: torch.from_numpy(array) for name, array in self.state_dict().items()}
        network.to(state["linear.bias"].dtype).load_state_dict(state, strict=True)
        return network.eval()

    @property
    def arguments(self) -> dict[str, Any]:
        """What ``config.json`` holds of the constructor's arguments."""
        found: dict[str, Any] = {
            "in_channels": self.in_channels,
            "size": self.size,
            "channels": list(self.channels),
            "classes": self.classes,
            "dropout": self.dropout,
        }
        return found if self.norm == "batch" else found | {"norm": self.norm}

    def release(self) -> None:
        """Free the memory that training kept for its next step."""
        for layer in self.layers.values():
            layer.release()

    def _enter(self, x: Array) -> Array:
        """Check images (N, C, H, W) and lay them out as (C, H, W, N)."""
        expected = (self.in_channels, self.size, self.size)
        if x.ndim != 4 or x.shape[1:] != expected:
            raise ValueError(f"Images must be (N, {', '.join(map(str, expected))}), not {x.shape}.")
        return np.ascontiguousarray(x.transpose(1, 2, 3, 0), dtype=self.dtype)

    @property
    def arrays(self) -> dict[str, NDArray]:
        """All parameters and buffers themselves, by name."""
        return {
            f"{layer_name}.{name}": array
            for layer_name, layer in self.layers.items()
            for name, array in (layer.parameters | layer.buffers).items()
        }


def _make_norm(norm: str, channels: int, dtype: DTypeLike) -> Layer:
    if norm == "batch":
        return BatchNorm(channels, dtype=dtype)
    if norm == "layer":
        return LayerNorm(channels, dtype=dtype)
    return GroupNorm(math.gcd(GROUPS, channels), channels, dtype=dtype)
