"""Record how a bundled classifier's answers hang on the batch around an image, for the app to show.

    python -m training.metrics.company_record [MODEL …]

writes ``zoo/samples/companies/<model>.safetensors``. Without it, the app asks when a visitor does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save

import zoo
from training.engine.failures import TrainingError, run_command
from training.engine.options import for_each_model
from zoo.batch_norm import companies
from zoo.samples.sets import image_set
from zoo.weights.atomic_files import write_bytes

SHOWN = 10  # images that the page offers


def write(name: str) -> Path:
    """Ask a bundled model; return the file that holds its answers.

    Args:
        name: One of ``zoo.list_models()``.

    Raises:
        TrainingError: It is no PyTorch classifier with a set of images.
    """
    model, info = zoo.load(name, source="bundle", device="cpu"), zoo.info(name)
    if not info.image_set or info.framework != "torch":
        raise TrainingError(f"The model {name} is no PyTorch classifier with a set of images.")
    images = image_set(info.image_set)
    inputs = model.preprocessing.normalize_batch(images.images)
    order = companies.flipping(model.network, inputs, images.labels)
    found = {"order": order.astype(np.int64)}
    for index in map(int, order[:SHOWN]):
        for size in companies.SIZES:
            answers = companies.answers_in(model.network, inputs, index, size)
            found[f"{index} {size}"] = np.ascontiguousarray(answers)
    facts = {"facts": companies.facts(info.sha256, info.image_set)}
    path = companies.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save(found, facts))
    return path


def having() -> list[str]:
    """Return the models that there is something to record for."""
    infos = (zoo.info(name) for name in zoo.list_models(own=False))
    return [one.name for one in infos if one.image_set and one.framework == "torch"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the records of some models, or of all PyTorch classifiers with a set of images."""
    return for_each_model(__doc__, write, having, arguments)


if __name__ == "__main__":
    run_command(main)
