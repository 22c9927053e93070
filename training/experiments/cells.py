"""An experiment as a grid of cells: each is measured once, kept in a file, and never again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.engine.provenance import git_commit


@dataclass
class CellGrid:
    """The cells of one run of an experiment.

    A kill at any moment loses the cell in work and nothing else: the same command goes on with the
    next one. Experiments that name the same folder share their cells.

    Attributes:
        folder: holds one JSON file a cell.
        commits: of the code that measured the cells used so far.
    """

    folder: Path
    commits: set[str] = field(default_factory=set)

    def cell(self, key: Mapping[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the result for a key, measuring it only if no file holds it.

        Args:
            key: everything that decides the result, as JSON.
            measure: returns the result, as JSON.
        """
        text = json.dumps(key, sort_keys=True)
        path = self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        if not path.exists():
            result = measure()
            write_json(path, {"key": key, "git_commit": git_commit(), "result": result})
        try:
            content = read_json(path)
            self.commits.add(str(content["git_commit"]))
            return content["result"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"{path} cannot be read ({error}); delete it to measure it again."
            ) from None

    def all(
        self,
        keys: Sequence[Mapping[str, Any]],
        measure: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """Return the results for several keys, with a progress bar."""
        return [self.cell(key, partial(measure, key)) for key in tqdm(keys, unit="cell")]
