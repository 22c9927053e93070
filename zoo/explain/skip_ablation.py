"""Skip connections: what a network answers when one is cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zoo.errors import ZooError
from zoo.explain.subject import resolve, trace
from zoo.graph.layers import Skip, is_module
from zoo.models import Segmenter

if TYPE_CHECKING:
    from torch import Tensor


def skips(subject: Any, image: Any) -> tuple[Skip, ...]:
    """Return the skip connections of a network: long ones of a U-Net, short ones of a ResNet.

    A layer that concatenates or adds takes, besides the main path, an earlier layer's output.

    Args:
        subject, image: As for :func:`zoo.explain.trace`.
    """
    return trace(subject, image).skips


def ablate_skips(
    subject: Any, image: Any, cut: Iterable[str], fill: Literal["zero", "mean"] = "zero"
) -> np.ndarray:
    """Return the network's answer with some skip connections cut; the network is not touched.

    Args:
        subject: A model or an ``nn.Module``.
        image: The image, or the input of a bare network.
        cut: Which ones: the names of the layers where they join (:attr:`Skip.joins`).
        fill: What arrives instead: zeros, or each channel's mean over the image, which keeps the
            level and takes the detail.

    Returns:
        float32 array without the batch axis: logits (K,), or (1, H, W) for a U-Net.

    Raises:
        ZooError: There is no such skip connection.

    Example:
        >>> found = skips(model, image)                              # doctest: +SKIP
        >>> logits = ablate_skips(model, image, [found[-1].joins])      # doctest: +SKIP
    """
    import torch

    network, inputs, device = resolve(subject, image)
    if not is_module(network):
        raise ZooError("The NumPy network is a chain of layers; it has no skip connections.")
    from zoo.graph.torch_trace import Runner

    runner = Runner(network)
    x = torch.from_numpy(inputs).to(device)
    with torch.inference_mode():
        whole = runner(x)
        if not (wanted := set(cut)):
            return whole[0].float().cpu().numpy()
        calls = runner.recorder.calls()
        numbers = {call.layer.name: number for number, call in enumerate(calls)}
        found = {skip.joins: skip.place for skip in _skips_of(network, inputs, device)}
        if unknown := sorted(wanted - set(found)):
            known = ", ".join(found) or "none"
            raise ZooError(f"No skip connection joins at {unknown[0]!r}; they join at: {known}.")
        places = {numbers[name]: found[name] for name in wanted}

        def edit(number: int, tensors: list[Tensor]) -> list[Tensor] | None:
            if number not in places:
                return None
            place = places[number]
            skip = tensors[place]
            instead = skip.mean((2, 3), keepdim=True) if fill == "mean" else skip.new_zeros(())
            return [*tensors[:place], instead.expand_as(skip).clone(), *tensors[place + 1 :]]

        return runner(x, edit=edit)[0].float().cpu().numpy()


def _skips_of(network: Any, inputs: np.ndarray, device: str) -> tuple[Skip, ...]:
    from zoo.graph.torch_trace import trace_module

    return trace_module(network, inputs, device).skips


@dataclass(frozen=True, eq=False)
class MaskChange:
    """A segmentation network's mask with all its skip connections, and without some.

    Attributes:
        whole, cut: bool arrays (h, w), at the network's working size.
        iou: Their intersection over union, in [0, 1]; 1 if both are empty.
    """

    whole: np.ndarray
    cut: np.ndarray
    iou: float

    @property
    def lost(self) -> np.ndarray:
        """bool (h, w): found with the connections, not without."""
        return self.whole & ~self.cut

    @property
    def gained(self) -> np.ndarray:
        """bool (h, w): found only without them."""
        return self.cut & ~self.whole


def mask_without_skips(
    model: Segmenter, view: np.ndarray, cut: Iterable[str], fill: Literal["zero", "mean"] = "zero"
) -> MaskChange:
    """Compare the mask with the one that is left when skip connections are cut.

    Args:
        model: A loaded segmentation model.
        view: uint8 array (h, w, 3), as ``model.view`` returns it.
        cut, fill: As for :func:`ablate_skips`.

    Raises:
        ZooError: There is no such skip connection.
    """
    inputs = model.preprocessing.normalize(view)
    threshold = float(model.config["threshold"])
    level = np.log(threshold / (1 - threshold))  # the threshold as a logit
    whole, without = (
        ablate_skips(model.network, inputs, names, fill)[0] >= level for names in ((), tuple(cut))
    )
    union = int((whole | without).sum())
    iou = int((whole & without).sum()) / union if union else 1.0
    return MaskChange(whole, without, iou)
