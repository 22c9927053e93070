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
from zoo.segmentation.masks import iou

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
        float32 array without the batch axis: logits (K,), or (1, H, W) for a U-Net. Of several
        answers the first, or a dictionary's ``"out"``.

    Raises:
        ZooError: There is no such skip connection.

    Example:
        >>> found = skips(model, image)                              # doctest: +SKIP
        >>> logits = ablate_skips(model, image, [found[-1].joins])      # doctest: +SKIP
    """
    network, inputs = resolve(subject, image)
    if not is_module(network):
        raise ZooError("The NumPy network is a chain of layers; it has no skip connections.")
    from zoo.graph.modules import array, own_settings, tensor
    from zoo.graph.torch_trace import Runner, trace_module

    wanted = set(cut)
    found: dict[str, int] = {}
    if wanted:
        run = trace_module(network, inputs)
        found = {skip.joins: skip.place for skip in run.skips}
    if unknown := sorted(wanted - set(found)):
        known = ", ".join(found) or "none"
        raise ZooError(f"No skip connection joins at {unknown[0]!r}; they join at: {known}.")
    places = (
        {number: found[name] for number, name in enumerate(run.calls) if name in wanted}
        if wanted
        else {}
    )

    def edit(number: int, joined: list[Tensor]) -> list[Tensor] | None:
        if number not in places:
            return None
        place = places[number]
        return [*joined[:place], _instead(joined[place], fill), *joined[place + 1 :]]

    with own_settings():
        return array(Runner(network)(tensor(inputs, network), edit=edit)[0])


def _instead(skip: Tensor, fill: str) -> Tensor:
    """Return what arrives where a connection is cut: maps (N, C, H, W) or tokens (N, T, C)."""
    if fill == "zero":
        return skip.new_zeros(skip.shape)
    axes = (1,) if skip.ndim == 3 else tuple(range(2, skip.ndim))
    return skip.mean(axes, keepdim=True).expand_as(skip).clone() if axes else skip.clone()


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
        view: uint8 array (h, w, 3), as ``model.model_input_image`` returns it.
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
    return MaskChange(whole, without, iou(whole, without))
