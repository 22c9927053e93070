"""The networks that ship with the code, as an experiment measures them: on the CPU, in float32."""

from __future__ import annotations

import zoo
from training.engine.failures import TrainingError


def classifier(name: str) -> zoo.Classifier:
    """Return a bundled network that names what an image shows.

    Raises:
        TrainingError: it cannot be loaded.
    """
    model = _bundled(name)
    assert isinstance(model, zoo.Classifier)
    return model


def segmenter(name: str = "carvana") -> zoo.Segmenter:
    """Return a bundled network that finds an object's pixels.

    Raises:
        TrainingError: it cannot be loaded.
    """
    model = _bundled(name)
    assert isinstance(model, zoo.Segmenter)
    return model


def _bundled(name: str) -> zoo.Classifier | zoo.Segmenter:
    try:
        return zoo.load(name, device="cpu", source="bundle")
    except zoo.ZooError as error:
        raise TrainingError(f"This measures the shipped network: {error}") from None
