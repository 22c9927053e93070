"""Grad-CAM: which places of a layer's maps speak for a class.

Selvaraju et al. (2017), "Grad-CAM: Visual explanations from deep networks via gradient-based
localization", equations 1 and 2; computed by captum, on a private copy of the network.
"""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.subject import module, resolve
from zoo.explain.target import differentiable


def grad_cam(
    subject: Any, image: Any, target: int | str | None = None, layer: str | None = None
) -> np.ndarray:
    """Return how strongly each place of a layer's maps speaks for a class.

    The gradient of the class's logit, averaged over a map, says how much that map matters (α_k,
    eq. 1); the maps A_k, weighted so and summed, say where: ReLU(Σ_k α_k A_k), eq. 2. The sum has
    the layer's size and is scaled up bilinearly, so that a late layer gives a coarse image.

    Args:
        subject: A model, a bare ``NumpyCNN`` (whose PyTorch twin is used) or an ``nn.Module``.
        image: An image for a model, a float array (C, H, W) for a bare network.
        target: The class; see :func:`zoo.explain.integrated_gradients`.
        layer: Name of a module of the network (``dict(network.named_modules())``) whose output is
            maps (N, C, H, W); if it runs several times, its last run counts. None for the last one
            with maps of more than one pixel. For a network that answers with maps that is the
            answer itself: name an earlier one.

    Returns:
        float32 array of the network's input size (H, W), at least 0. Its unit is that of the
        logits times the maps' own, so that only values of one call can be compared.

    Raises:
        ImageError: The image cannot be used.
        ZooError: There is no such class or layer, the layer has no maps or no part in the answer,
            or the network fails on this input.

    Example:
        >>> import zoo
        >>> model = zoo.load("cifar10", source="bundle")           # doctest: +SKIP
        >>> zoo.explain.grad_cam(model, "cat.jpg", "cat").shape    # doctest: +SKIP
        (32, 32)
    """
    from captum.attr import LayerAttribution, LayerGradCam

    from zoo.graph.modules import array, own_settings, private_copy, tensor

    _, inputs = resolve(subject, image)
    with own_settings(gradients=True):
        network = private_copy(module(subject), share=True)
        score = differentiable(network, inputs, subject, target)
        # With a gradient of its own, the input connects all layers.
        x = tensor(inputs, network).requires_grad_()
        name = _with_maps(network, score, x, layer)
        try:
            method = LayerGradCam(score, network.get_submodule(name))
            cam = method.attribute(x, relu_attributions=True)
        except RuntimeError as error:  # autograd: "appears to not have been used in the graph"
            raise ZooError(f"The answer does not depend on the maps of {name!r}.") from error
        maps = LayerAttribution.interpolate(cam, inputs.shape[2:], "bilinear")
        return array(maps[0, 0])


def _with_maps(network: Any, score: Any, x: Any, layer: str | None) -> str:
    """Return the name of the module to explain, after a look at what each gives.

    Raises:
        ZooError: There is no such module, or none with maps.
    """
    names = [name for name, _ in network.named_modules() if name]
    if layer is not None and layer not in names:
        near = difflib.get_close_matches(layer, names, n=3, cutoff=0.4) or names[:3]
        raise ZooError(f"There is no layer {layer!r}; there is for example {', '.join(near)}.")
    pixels: dict[str, int] = {}  # of the maps, by module, in the order in which they end

    def hook(name: str) -> Any:
        def note(_module: Any, _inputs: Any, output: Any) -> None:
            pixels.pop(name, None)
            if getattr(output, "ndim", 0) == 4:
                pixels[name] = output.shape[2:].numel()

        return note

    handles = [network.get_submodule(name).register_forward_hook(hook(name)) for name in names]
    score(x.detach())
    for handle in handles:
        handle.remove()
    found = [name for name, count in pixels.items() if count > 1] if layer is None else [layer]
    if not found:
        raise ZooError("The network has no layer with maps, which Grad-CAM needs.")
    if found[-1] not in pixels:
        raise ZooError(f"The layer {layer!r} has no maps, which Grad-CAM needs.")
    return found[-1]
