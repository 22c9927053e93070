"""What every layer of a network answers to an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.explain.subject import trace


def activations(subject: Any, image: Any) -> dict[str, np.ndarray]:
    """Return the output of every layer for one image, in evaluation mode.

    Args:
        subject: A loaded model, or a bare network, NumPy or PyTorch; see :func:`zoo.explain.trace`.
        image: An image for a model; a float array (C, H, W) for a bare network.

    Returns:
        float32 arrays by layer name, in the order of computation: (channels, height, width) for
        the layers with maps, (features,) for the others. Functions that a torch network calls
        between its modules, such as a concatenation, count as layers.

    Raises:
        ImageError: The image cannot be used.

    Example:
        >>> import zoo
        >>> model = zoo.load("mnist", source="bundle")            # doctest: +SKIP
        >>> list(zoo.explain.activations(model, "seven.png"))[:3]  # doctest: +SKIP
        ['conv1', 'pool1', 'bn1']
    """
    return trace(subject, image).activations()
