"""Learn to cut out whatever somebody's masks mark, with the cars' learner and augmentation.

One schedule: small images first, then the size that is used later, zoomed, stretched, shifted and
in other light; nothing is pasted. Whole groups of images are held out. After the first epoch the
validation IoU is compared with that of the best constant mask, which needs no network at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.carvana.carvana_recipe import PACKAGES, CarvanaLearner
from training.carvana.carvana_record import PREPROCESSING
from training.carvana.carvana_settings import RECIPE, SHARP, CarvanaRecipe
from training.data.cars.augment_cars import CarAugmentation, TrainingSources
from training.data.carvana_photos import ImageMaskPair, check
from training.engine import loop
from training.engine.checkpoint import as_array
from training.engine.compute import ComputeConfig
from training.engine.init_from import note, take_weights
from training.engine.model_folder import BUNDLE, config_of, write_model
from training.engine.provenance import provenance
from training.metrics.mask_metrics import fractions
from training.metrics.mask_predictions import ValidationSet, choose_threshold, measure_model
from training.segmentation.mask_pairs import FoundPair
from zoo.models import Segmenter
from zoo.weights.schema import FORMAT

NAME = "own"  # of the model, unless somebody gives another one
GRID = 64  # side at which masks are averaged for the best constant one
STILL: dict[str, Any] = {"street": 0.0, "paste": 0.0}
SMALL = CarAugmentation(256, 384, **STILL)
OWN = replace(
    RECIPE, epochs=10, images=480, photo=0.0, averaging=0.99, low_res_augmentation=SMALL,
    augmentation=replace(SHARP, **STILL),
)  # fmt: skip


class OwnLearner(CarvanaLearner):
    """The cars' learner, which says after its first epoch whether it learns anything.

    Attributes:
        constant_iou: the mean IoU of the best constant mask on the validation images.
    """

    def __init__(self, *arguments: Any, quiet: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        sources = self.plan.sources.studio
        self.constant_iou = constant_iou(
            [p.read()[1] for p in sources], [p.read()[1] for p in self.validation.studio]
        )
        self.quiet, self._said = quiet, False

    def measure(self) -> dict[str, float]:
        """Return quick metrics, and say once what they are worth."""
        found = super().measure()
        if not self._said and not self.quiet:
            print(verdict(found["iou"], self.constant_iou), flush=True)
        self._said = True
        return found

    def load_state(self, state: Any) -> None:
        """Take back what `state` returned; the verdict was given before."""
        super().load_state(state)
        self._said = True


def verdict(iou: float, constant: float) -> str:
    """Say whether a network is better than the best constant mask."""
    told = f"validation IoU {iou:.3f}, the best constant mask has {constant:.3f}"
    if iou > constant:
        return f"It learns: {told}."
    return (
        f"It has not learned anything yet: {told}. Look at report.html; if the outlines there are "
        "right, give it more epochs."
    )


def constant_iou(known: Sequence[NDArray[np.bool_]], held: Sequence[NDArray[np.bool_]]) -> float:
    """Return the mean IoU, on held-out masks, of the constant mask that suits the known ones best.

    Args:
        known, held: bool (H, W), of any size; compared on a grid of `GRID` × `GRID`.
    """

    def shrunk(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.float32]:
        box = Image.Resampling.BOX
        return np.stack(
            [
                np.asarray(Image.fromarray(m.astype(np.float32)).resize((GRID, GRID), box))
                for m in masks
            ]
        )

    learned, asked = shrunk(known), shrunk(held) >= 0.5
    mean = learned.mean(axis=0)
    candidates = [mean >= level for level in np.linspace(0.05, 0.95, 19)]
    candidates.append(np.ones_like(candidates[0]))
    best = max(candidates, key=lambda c: _mean_iou(c, learned >= 0.5))
    return _mean_iou(best, asked)


def _mean_iou(constant: NDArray[np.bool_], masks: NDArray[np.bool_]) -> float:
    union = (constant | masks).sum(axis=(1, 2))
    both = (constant & masks).sum(axis=(1, 2))
    return float(np.where(union > 0, both / np.maximum(union, 1), 1.0).mean())


def read_pairs(pairs: Sequence[FoundPair], held: frozenset[str]) -> tuple[
    tuple[ImageMaskPair, ...], tuple[ImageMaskPair, ...]
]:  # fmt: skip
    """Read pairs, larger images scaled to the working size: (to learn from, held out)."""
    read = [ImageMaskPair(p.name, p.image.read_bytes(), p.mask.read_bytes()) for p in pairs]
    ready = check(read, False, pairs[0].image.parent)
    return (
        tuple(p for p in ready if p.name not in held),
        tuple(p for p in ready if p.name in held),
    )


def weights_folder(text: str) -> Path:
    """Return the folder of ``--init-from``: a path, or that of a model of the zoo."""
    path = Path(text)
    return path if path.exists() or not (BUNDLE / text).is_dir() else BUNDLE / text


def config(network: Any, threshold: float, label: str, name: str = NAME) -> dict[str, Any]:
    """Return what config.json shall hold."""
    return config_of(
        network,
        model=name,
        task="segmentation",
        preprocessing=PREPROCESSING,
        labels=[label],
        data={
            "name": f"own images of {label}",
            "source": "not published",
            "license": "its owner's",
        },
        title=label.capitalize(),
        license="other",  # its owner says which
        threshold=threshold,
        limitations="It was measured on a few held-out images of the same collection.",
    )


def train(
    recipe: CarvanaRecipe,
    learned: Sequence[ImageMaskPair],
    held: Sequence[ImageMaskPair],
    out: Path,
    compute: ComputeConfig,
    *,
    name: str = NAME,
    label: str = "object",
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
    threads: int = 1,
    init_from: Path | None = None,
) -> dict[str, Any]:
    """Train one network, write it to ``out/model`` as a model folder, and return its record.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    validation = ValidationSet(held)
    learner = OwnLearner(
        recipe, TrainingSources(learned), validation, compute, seed, threads, quiet=quiet
    )
    identity = {"seed": seed, "images": [p.name for p in learned]}
    progress = loop.begin(recipe, identity, provenance(PACKAGES) | {"compute": compute.describe()})
    if init_from is not None:
        note(progress, take_weights(learner.student.network, init_from, added="context.")[1])
        learner.student.restart_average()
    is_main = compute.processes.is_main
    progress = loop.train(learner, progress, out, resume=resume, quiet=quiet, is_main=is_main)
    network = learner.student.result
    described = config(network, choose_threshold(network, held, compute), label, name)
    model = Segmenter(name, described, {}, network.eval(), str(compute.device))
    record = describe_run(model, progress, held, learner.constant_iou)
    if is_main:
        weights = {name: as_array(value) for name, value in network.state_dict().items()}
        write_model(out / "model", weights, described, record)
    compute.processes.barrier()
    return record


def describe_run(
    model: Segmenter, progress: dict[str, Any], held: Sequence[ImageMaskPair], constant: float
) -> dict[str, Any]:
    """Return what record.json shall hold; the held-out images are measured here.

    Args:
        model: trained, as it will answer.
        progress: of the last checkpoint: identity, provenance, history.
        held: the held-out images.
        constant: IoU of the best constant mask on them.
    """
    found = measure_model(model, held)
    return {
        "format": FORMAT,
        "model": model.name,
        **progress["record"],
        "resumed": progress.get("resumed", []),
        **progress["identity"],
        "held_out": [pair.name for pair in held],
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "selection": "the moving average of the weights, after the last step; the threshold with "
        "the best mean IoU on the held-out images",
        "threshold": model.config["threshold"],
        "train_seconds": round(sum(row["seconds"] for row in progress["history"]), 1),
        "metrics": {"validation": fractions(found) | {"constant_iou": constant, "n": found["n"]}},
        "history": progress["history"],
    }
