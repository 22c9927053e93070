"""The zoo: convolutional networks that load in one line and are what they claim.

    >>> import zoo
    >>> zoo.list_models()                          # doctest: +SKIP
    ['mnist']
    >>> model = zoo.load("mnist")                  # doctest: +SKIP
    >>> model.predict("digit.png")                 # doctest: +SKIP
    Classification('7', confidence=0.9987)

``import zoo`` imports neither torch nor streamlit nor scipy; they are imported when something
needs them.
"""

from importlib import import_module
from typing import Any

from zoo.errors import (
    DeviceError,
    ExperimentError,
    HubError,
    ImageError,
    IntegrityError,
    UnknownModelError,
    ZooError,
)
from zoo.experiments import Experiment, experiment, list_experiments
from zoo.loading import load, record
from zoo.models import Classifier, Model, Segmenter
from zoo.preprocessing.images import open_image
from zoo.results import Classification, Segmentation
from zoo.weights.catalog import ModelInfo, info, list_models

__all__ = [
    "Classification",
    "Classifier",
    "DeviceError",
    "Experiment",
    "ExperimentError",
    "HubError",
    "ImageError",
    "IntegrityError",
    "Model",
    "ModelInfo",
    "Segmentation",
    "Segmenter",
    "UnknownModelError",
    "ZooError",
    "experiment",
    "info",
    "list_experiments",
    "list_models",
    "load",
    "open_image",
    "record",
]

# so that zoo.preprocessing.mnist_format.prepare works after `import zoo`
_LAZY = (
    "batch_norm",
    "explain",
    "graph",
    "networks",
    "preprocessing",
    "segmentation",
    "snippets",
    "weights",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
