"""What does the small network of these experiments reach when it trains longer?

    python -m training.experiments.batch_norm.batch_norm_longer --data-dir DIR

``batch_norm_speed`` makes many trainings, short ones and on half of the images. Here the same
network with BatchNorm trains longer and on all of them, so that one knows what it is capable of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import SmallStudy
from training.experiments.interval_text import percent

NAME = "batch_norm_longer"
QUESTION = "What does the small network reach with BatchNorm when it trains longer?"
LIMITS = (
    "One seed and one learning rate, and nothing beside it: no training of this length "
    "without BatchNorm."
)
NORM, RATE, SEED, EPOCHS = "batch", 0.1, 0, 24
ALL_IMAGES = 45_000


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    (row,) = rows
    return (
        f"Trained for {row['epochs']} epochs at learning rate {row['learning_rate']:g}, "
        f"{row['seconds'] / 60:.0f} minutes, the small network with BatchNorm gets "
        f"{percent(row['accuracy'])} of the validation images right."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(
        NAME, QUESTION, arguments, EPOCHS, seeds=1, images=ALL_IMAGES, bfloat16=False
    )
    (result,) = study.measure([study.key(Design(NORM), RATE, SEED)])
    row = {
        "norm": NORM,
        "learning_rate": RATE,
        "epochs": study.epochs,
        "seed": SEED,
        "accuracy": result["accuracy"],
        "diverged": result["diverged"],
        "seconds": result["seconds"],
    }
    return study.conclude([row], finding([row]), (SEED,), curves=study.curves(), limits=LIMITS)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
