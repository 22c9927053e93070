"""Whether a run's folder can be written, found out before hours of work depend on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from numpy.typing import NDArray

from training.engine.failures import TrainingError


def check_writable(folder: Path) -> None:
    """Make sure that files can be written to a folder; whatever the attempt makes is removed.

    Raises:
        TrainingError: if the folder is a file, or nothing can be written there.
    """
    if os.environ.get("RANK", "0") != "0":
        return  # one of several processes looks, so that none removes what another has made
    made = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except (FileExistsError, NotADirectoryError):
        raise TrainingError(
            f"--out {folder} is a file, or lies inside one; give a folder."
        ) from None
    except OSError as error:
        raise TrainingError(
            f"Nothing can be written to --out {folder} ({error.strerror}); give another folder."
        ) from None
    finally:
        for path in made:
            with suppress(OSError):  # somebody else uses it by now, or it was never made
                path.rmdir()


def check_space(folder: Path, state: Mapping[str, Mapping[str, NDArray]]) -> None:
    """Make sure that a checkpoint fits beside the last one.

    Args:
        folder: of the run; it need not exist.
        state: what the checkpoint holds now, in named groups of arrays. Before the first step that
            is the network alone; the least that an optimizer adds is one number a weight.

    Raises:
        TrainingError: if there is less space.
    """
    size = sum(array.nbytes for group in state.values() for array in group.values())
    network = sum(a.nbytes for name, g in state.items() if "network" in name for a in g.values())
    needed = max(size, 2 * network)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise TrainingError(
            f"A checkpoint takes at least {needed / 1e6:.1f} MB, and {there} has "
            f"{free / 1e6:.1f} MB left; free some space, or give another --out."
        )
