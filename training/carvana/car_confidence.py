"""How sure a car network must be of a mask for it to count as a car: chosen on validation photos.

    python -m training.carvana.car_confidence RUN_DIR --data-dir DIR

gives a finished run its ``min_confidence``, as a new run chooses it by itself. What was measured on
test photos before goes: ``training.evaluate --record`` measures it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.carvana import carvana_recipe
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json, write_json
from training.metrics.mask_predictions import RULE, choose_confidence
from zoo.command_parser import CommandParser
from zoo.errors import ZooError
from zoo.loading import load_folder
from zoo.models import Segmenter


def apply(folder: Path, data_dir: Path) -> float:
    """Write what `choose_confidence` returns for a finished run into its files; return it.

    Raises:
        TrainingError: it is no finished run of a segmentation network.
    """
    try:
        config: dict[str, Any] = read_json(folder / "config.json")
        model = load_folder(config["model"], folder, "cpu")
    except (ZooError, OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{folder} is no finished run ({error}).") from None
    if not isinstance(model, Segmenter):
        raise TrainingError(f"{folder} is no segmentation network.")
    found = choose_confidence(model, carvana_recipe.read_sources(data_dir)[1])
    record = read_json(folder / "record.json")
    kept = {k: v for k, v in record["metrics"].items() if not k.startswith("test")}
    write_json(
        folder / "record.json", with_rule(record) | {"min_confidence": found, "metrics": kept}
    )
    write_json(folder / "config.json", config | {"min_confidence": found})
    return found


def with_rule(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose ``selection`` says how the least confidence is chosen."""
    said = str(record["selection"])
    return record | {"selection": said if RULE in said else f"{said}; {RULE}"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m training.carvana.car_confidence", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path, metavar="RUN_DIR")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    found = apply(options.folder, options.data_dir)
    print(f"{options.folder}: min_confidence {found:g}; measure it on the test photos again")
    return 0


if __name__ == "__main__":
    run_command(main)
