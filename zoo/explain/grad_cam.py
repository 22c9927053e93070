"""Grad-CAM: which places of a layer's maps speak for a class.

Selvaraju et al. (2017), "Grad-CAM: Visual explanations from deep networks via gradient-based
localization", equations 1 and 2.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.occlusion import class_index
from zoo.models import Classifier
from zoo.preprocessing.images import ImageSource


def grad_cam(
    model: Classifier,
    image: ImageSource,
    target: int | str | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Return how strongly each place of a layer's maps speaks for a class.

    The gradient of the class's logit, averaged over a map, says how much that map matters (α_k,
    eq. 1); the maps A_k, weighted so and summed, say where: ReLU(Σ_k α_k A_k), eq. 2. The sum has
    the layer's size and is scaled up bilinearly, so that a late layer gives a coarse image.

    Args:
        model: A loaded classifier. A NumPy network answers as its PyTorch twin.
        image: The image, as for ``model.predict``.
        target: The class, by label or index; None for the predicted one.
        layer: Name of a module of the network (``dict(network.named_modules())``) whose output is
            maps; None for the last one with maps of more than one pixel.

    Returns:
        float32 array of the network's input size (H, W), at least 0. Its unit is that of the
        logits times the maps' own, so that only values of one call can be compared.

    Raises:
        ImageError: The image cannot be used.
        ZooError: There is no such class or layer, or the layer has no maps.

    Example:
        >>> import zoo
        >>> model = zoo.load("cifar10", source="bundle")           # doctest: +SKIP
        >>> zoo.explain.grad_cam(model, "cat.jpg", "cat").shape    # doctest: +SKIP
        (32, 32)
    """
    import torch
    from torch.nn import functional

    network = model.network
    if not hasattr(network, "named_modules"):
        network = network.to_torch().eval()
    inputs = torch.from_numpy(model.preprocess(image)[None]).to(model.device)
    # With a gradient of its own, the input connects all layers, frozen ones included.
    with torch.enable_grad(), _maps(network, layer) as outputs:
        logits = network(inputs.requires_grad_(True))[0]
        if not outputs:
            raise ZooError("The network has no layer with maps, which Grad-CAM needs.")
        maps = outputs[-1]
        index = class_index(model.labels, target, logits.detach().cpu().numpy())
        (gradient,) = torch.autograd.grad(logits[index], maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    cam = functional.relu((weights * maps.detach()).sum(dim=1, keepdim=True))
    size = inputs.shape[2:]
    return functional.interpolate(cam, size=size, mode="bilinear")[0, 0].float().cpu().numpy()


@contextmanager
def _maps(network: Any, layer: str | None) -> Iterator[list[Any]]:
    """Collect the outputs with maps of one layer, or of all, in order; remove the hooks again."""
    modules = dict(network.named_modules())
    if layer is not None and layer not in modules:
        known = ", ".join(name for name in modules if name)
        raise ZooError(f"There is no layer {layer!r}; the layers are {known}.")
    chosen = [modules[layer]] if layer is not None else list(modules.values())
    # Other threads may be asking the same network; their answers are not ours.
    thread = threading.get_ident()
    outputs: list[Any] = []

    def hook(_module: Any, _inputs: Any, output: Any) -> None:
        if threading.get_ident() != thread:
            return
        has_maps = getattr(output, "ndim", 0) == 4
        if has_maps and (layer is not None or output.shape[2:].numel() > 1):
            outputs.append(output)
        elif layer is not None:
            raise ZooError(f"The layer {layer!r} has no maps, which Grad-CAM needs.")

    handles = [module.register_forward_hook(hook) for module in chosen]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
