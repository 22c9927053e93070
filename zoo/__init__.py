"""The zoo: convolutional networks that load in one line and are what they claim.

    >>> import zoo
    >>> zoo.list_models()                          # doctest: +SKIP
    ['mnist']
    >>> model = zoo.load("mnist")                  # doctest: +SKIP
    >>> model.predict("digit.png")                 # doctest: +SKIP
    Classification('7', confidence=0.9987)

``import zoo`` imports next to nothing, not even NumPy: each part is imported when something needs
it, and torch only by a network that is written in it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from zoo.weights.catalog import info, list_models
    from zoo.weights.model_info import ModelInfo

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

# Where each name is; its module is imported when somebody asks for it.
_HOMES = {
    "Classification": "zoo.results",
    "Classifier": "zoo.models",
    "DeviceError": "zoo.errors",
    "Experiment": "zoo.experiments",
    "ExperimentError": "zoo.errors",
    "HubError": "zoo.errors",
    "ImageError": "zoo.errors",
    "IntegrityError": "zoo.errors",
    "Model": "zoo.models",
    "ModelInfo": "zoo.weights.model_info",
    "Segmentation": "zoo.results",
    "Segmenter": "zoo.models",
    "UnknownModelError": "zoo.errors",
    "ZooError": "zoo.errors",
    "experiment": "zoo.experiments",
    "info": "zoo.weights.catalog",
    "list_experiments": "zoo.experiments",
    "list_models": "zoo.weights.catalog",
    "load": "zoo.loading",
    "open_image": "zoo.preprocessing.images",
    "record": "zoo.loading",
}
# so that zoo.preprocessing.mnist_format.prepare works after `import zoo`
_LAZY = (
    "backends",
    "batch_norm",
    "bench",
    "devices",
    "errors",
    "experiments",
    "explain",
    "graph",
    "loading",
    "models",
    "networks",
    "preprocessing",
    "records",
    "results",
    "samples",
    "segmentation",
    "snippets",
    "weights",
)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found
    if name in _LAZY:
        return import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY})
