"""What does the small network reach when it trains longer, and does BatchNorm's lead last?

    python -m training.experiments.batch_norm_longer --data-dir DIR

The grid of ``batch_norm_speed`` stops every training early. Here the same network trains several
times as long, with BatchNorm and without, at the learning rate that suited both best there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.errors import run_command
from training.experiments import cells
from training.experiments.small_network import Design
from training.records import provenance, write_experiment

NAME = "batch_norm_longer"
QUESTION = "What does the small network reach when it trains longer, with BatchNorm and without?"
NORMS, RATE, SEED, EPOCHS = ("batch", "none"), 0.1, 0, 24


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    batch, none = (next(row for row in rows if row["norm"] == norm) for norm in NORMS)
    return (
        f"Trained for {batch['epochs']} epochs at learning rate {batch['learning_rate']:g}, the "
        f"small network gets {batch['accuracy']:.1%} of the validation pictures right with "
        f"BatchNorm, in {batch['seconds'] / 60:.0f} minutes, and {none['accuracy']:.1%} without, "
        f"in {none['seconds'] / 60:.0f}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = cells.parse(QUESTION, arguments, epochs=EPOCHS)
    record = provenance(("numpy", "torch"))
    training, validation = cells.pictures(options)
    keys = [
        cells.cell_key(options, Design(norm), cells.recipe(options, RATE), SEED, len(training))
        for norm in NORMS
    ]
    grid = cells.Grid(options.out)
    results = grid.all(keys, lambda key: cells.train_cell(key, training, validation))
    rows = [
        {
            "norm": key["design"]["norm"],
            "learning_rate": RATE,
            "epochs": options.epochs,
            "seed": SEED,
            "accuracy": result["accuracy"],
            "diverged": result["diverged"],
            "seconds": result["seconds"],
        }
        for key, result in zip(keys, results, strict=True)
    ]
    path = write_experiment(
        NAME,
        question=QUESTION,
        finding=finding(rows),
        rows=rows,
        record=record,
        seeds=(SEED,),
        folder=options.folder,
        curves=[cells.run_facts(key, result) for key, result in zip(keys, results, strict=True)],
        **cells.facts(options, grid, keys[0], validation),
    )
    print(f"{path}: {finding(rows)}")
    return 0


if __name__ == "__main__":
    run_command(main)
