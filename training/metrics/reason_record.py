"""Record what explains a bundled classifier's answers to the shipped samples, for the app to show.

    python -m training.metrics.reason_record [MODEL …]

lets occlusion and Grad-CAM explain the answer to each sample and writes
``zoo/samples/reasons/<model>.safetensors``. Without it, the app computes them when a visitor asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save

import zoo
from training.engine.failures import TrainingError, run_command
from training.engine.options import for_each_model
from zoo.explain import recorded_reasons
from zoo.preprocessing.images import crop_square
from zoo.samples import samples
from zoo.weights.atomic_files import write_bytes


def write(name: str) -> Path:
    """Explain a bundled model's answers; return the file that holds what was found.

    Args:
        name: One of ``zoo.list_models()``.

    Raises:
        TrainingError: It is no classifier with samples.
    """
    model, info = zoo.load(name, source="bundle", device="cpu"), zoo.info(name)
    if not isinstance(model, zoo.Classifier) or not info.samples:
        raise TrainingError(f"The model {name} is no classifier with samples.")
    found = {}
    for sample in samples(info.samples):
        view = model.model_input_image(crop_square(zoo.open_image(sample.path)))
        target = model.predict(view).label
        maps = recorded_reasons.compute(model, view, target)
        found[recorded_reasons.key(view, target)] = np.stack(maps).astype(np.float32)
    facts = {"facts": recorded_reasons.facts(model, info.sha256)}
    path = recorded_reasons.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save(found, facts))
    return path


def having() -> list[str]:
    """Return the models that there is something to record for."""
    infos = (zoo.info(name) for name in zoo.list_models(own=False))
    return [one.name for one in infos if one.samples and one.task == "classification"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the records of some models, or of all classifiers with samples."""
    return for_each_model(__doc__, write, having, arguments)


if __name__ == "__main__":
    run_command(main)
