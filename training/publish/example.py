"""The picture that a model's folder on the Hub holds, to try it on."""

from __future__ import annotations

from zoo.errors import ZooError
from zoo.samples import Sample, samples

EXAMPLES = {"mnist": "digits", "cifar10": "objects", "carvana": "cars"}


def example(name: str) -> Sample | None:
    """Return the first sample for a model, or for the model that it is a variant of."""
    try:
        return samples(EXAMPLES.get(name.split("-")[0], name))[0]
    except ZooError:
        return None
