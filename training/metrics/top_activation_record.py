"""Record which images excite each channel of a bundled classifier most, for the app to show.

    python -m training.metrics.top_activation_record [MODEL …]

asks the network about the images of its set (:mod:`zoo.samples.sets`) and writes
``zoo/samples/top_activations/<model>.safetensors``. Without it, the app asks when a visitor does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors.numpy import save

import zoo
from training.engine.failures import TrainingError, run_command
from training.engine.options import for_each_model
from zoo.explain import recorded_activations
from zoo.samples.sets import image_set
from zoo.weights.atomic_files import write_bytes

POOL = 512  # images that are searched
KEPT = 6  # images a channel


def write(name: str) -> Path:
    """Ask a bundled model about its images; return the file that holds the answers.

    Args:
        name: One of ``zoo.list_models()``.

    Raises:
        TrainingError: The model has no set of images.
    """
    model = zoo.load(name, source="bundle", device="cpu")
    images_of = str(model.config.get("image_set", ""))
    if not images_of:
        raise TrainingError(f"The model {name} has no set of images: its config names none.")
    images = image_set(images_of).images[:POOL]
    answers = zoo.explain.top_activations(model, model.preprocessing.normalize_batch(images))
    found = {layer: values.strongest(KEPT) for layer, values in answers.items()}
    facts = {
        "sha256": zoo.info(name).sha256,
        "image_set": images_of,
        "columns": json.dumps({layer: one.columns for layer, one in found.items()}),
    }
    path = recorded_activations.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save(recorded_activations.tensors(found), facts))
    return path


def having() -> list[str]:
    """Return the models that there is something to record for."""
    return [name for name in zoo.list_models(own=False) if zoo.info(name).image_set]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the records of some models, or of all that have a set of images."""
    return for_each_model(__doc__, write, having, arguments)


if __name__ == "__main__":
    run_command(main)
