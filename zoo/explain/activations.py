"""What every layer of a network answers to a picture."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from zoo.images import ImageSource
from zoo.models import Model


def activations(model: Model, image: ImageSource) -> dict[str, np.ndarray]:
    """Return the output of every layer for one picture, in evaluation mode.

    Args:
        model: A loaded model, NumPy or PyTorch.
        image: The picture, as for ``model.predict``.

    Returns:
        float32 arrays by layer name, in the order of computation: (channels, height, width) for
        the layers with maps, (features,) for the others.

    Raises:
        ImageError: The picture cannot be used.

    Example:
        >>> import zoo
        >>> model = zoo.load("mnist", source="bundle")            # doctest: +SKIP
        >>> list(zoo.explain.activations(model, "seven.png"))[:3]  # doctest: +SKIP
        ['conv1', 'pool1', 'bn1']
    """
    inputs = model.preprocess(image)[None]
    if not hasattr(model.network, "named_modules"):
        layers = model.network.activations(inputs)
        return {name: np.asarray(value, dtype=np.float32)[0] for name, value in layers.items()}
    return _hooked(model.network, inputs, model.device)


def _hooked(network: Any, inputs: np.ndarray, device: str) -> dict[str, np.ndarray]:
    """Collect the outputs of all leaf modules with forward hooks, which are removed again."""
    torch = sys.modules["torch"]
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                # A copy: a ReLU in place would change it.
                outputs[name] = output[0].detach().float().cpu().numpy().copy()

        return hook

    leaves = [(n, m) for n, m in network.named_modules() if not any(m.children())]
    handles = [module.register_forward_hook(keep(name)) for name, module in leaves]
    try:
        with torch.inference_mode():
            network(torch.from_numpy(inputs).to(device))
    finally:
        for handle in handles:
            handle.remove()
    return outputs
