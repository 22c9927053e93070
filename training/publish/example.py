"""The image that a model's folder on the Hub holds, to try it on."""

from __future__ import annotations

import zoo
from zoo.errors import ZooError
from zoo.samples import Sample, samples


def example(name: str) -> Sample | None:
    """Return the first sample for a model, None if it has none."""
    try:
        return samples(zoo.info(name).samples)[0]
    except ZooError:
        return None
