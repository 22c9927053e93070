"""Models of one's own beside those that ship with the code: the folders that ``ZOO_EXTRA`` names.

    ZOO_EXTRA=RUN/model                       the model's name is the one in its config.json
    ZOO_EXTRA=older=RUN/model:bikes=RUN2/model    names that you choose; separated as in PATH

Nothing pins their files: they are read as strictly as any, and what they hold is what they are.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.errors import IntegrityError, ZooError
from zoo.weights.model_info import CONFIG, RECORD, WEIGHTS, FileInfo, ModelInfo

VARIABLE = "ZOO_EXTRA"
_NAMED = re.compile(r"(?P<name>[\w.-]+)=(?P<folder>.+)")
_METRICS = ("accuracy", "iou", "dice", "boundary_iou", "worst")
_OWNERS = {"name": "images of its owner's", "source": "not published", "license": "its owner's"}


def read() -> dict[str, ModelInfo]:
    """Return the models that ``ZOO_EXTRA`` names, in its order; {} without it.

    A folder whose files have not changed since the last call is not read again.

    Raises:
        ZooError: A folder is missing or holds no model, or two models have one name.
    """
    found: dict[str, ModelInfo] = {}
    for entry in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        info = _read_entry(entry)
        if info.name in found:
            raise ZooError(
                f"{VARIABLE}: {found[info.name].folder} and {info.folder} are both called "
                f"{info.name!r}; write NAME={info.folder} to give one another name."
            )
        found[info.name] = info
    return found


def info_of(folder: Path, name: str = "") -> ModelInfo:
    """Return what the files of a model's folder say of it.

    Args:
        folder: of the model.
        name: by which it is called; "" for the one in its config.

    Raises:
        IntegrityError: A file is missing or damaged.
    """
    return _read_folder(name, folder, tuple(_stamp(folder / file) for file in _files(folder)))


def _read_entry(entry: str) -> ModelInfo:
    match = None if Path(entry).is_dir() else _NAMED.fullmatch(entry)
    name, folder = (match["name"], Path(match["folder"])) if match else ("", Path(entry))
    if not (folder / CONFIG).is_file():
        inside = folder / "model"
        if (inside / CONFIG).is_file():
            why = f"the model is in the folder inside it, {inside}"
        elif folder.is_dir():
            why = f"that folder has no {CONFIG}, so it is no model's"
        else:
            why = "there is no such folder"
        raise ZooError(f"{VARIABLE} names {folder}, but {why}.")
    try:
        return info_of(folder, name)
    except IntegrityError as error:
        raise ZooError(f"{VARIABLE}: {error}") from None


def _files(folder: Path) -> list[str]:
    """Return the names of a model's files; a record may be missing."""
    return [WEIGHTS, CONFIG, *([RECORD] if (folder / RECORD).is_file() else [])]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=32)
def _read_folder(name: str, folder: Path, _stamps: tuple[tuple[int, int], ...]) -> ModelInfo:
    """Read a model's folder; the stamps are only the cache's key, so that a change is noticed."""
    from zoo.weights.integrity import parse_json, read_bytes  # only if there is something to read
    from zoo.weights.schema import check_config, check_record
    from zoo.weights.tensors import read_header

    contents = {file: read_bytes(folder / file, "train it again") for file in _files(folder)}
    config, record = (
        parse_json(contents.get(file, b"{}"), f"{file} of {folder}") for file in (CONFIG, RECORD)
    )
    config = check_config(config, f"{CONFIG} of {folder}")
    record = check_record(record, f"{RECORD} of {folder}")
    header = read_header(contents[WEIGHTS], f"{WEIGHTS} of {folder}")
    counted = sum(
        math.prod(shape)
        for tensor, (shape, _) in header.tensors.items()
        if "running_" not in tensor
    )
    return ModelInfo(
        name=name or config["model"],
        title=config.get("title", config["model"]),
        task=config["task"],
        framework=config["framework"],
        architecture=config["architecture"],
        labels=tuple(config["labels"]),
        parameters=record.get("parameters", counted),
        license=config.get("license", "its owner's"),
        data=MappingProxyType(_OWNERS | config.get("data", {})),
        files=MappingProxyType(
            {
                file: FileInfo(file, len(content), hashlib.sha256(content).hexdigest())
                for file, content in contents.items()
            }
        ),
        samples=config.get("samples", ""),
        image_set=config.get("image_set", ""),
        limitations=config.get("limitations", ""),
        folder=folder,
        **_measured(record.get("metrics", {})),
    )


def _measured(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of the test images, or else of the images that were held out."""
    split = next((name for name in ("test", "validation") if name in metrics), "test")
    values = metrics.get(split, {})
    return {
        "metrics": MappingProxyType({key: values[key] for key in _METRICS if key in values}),
        "metrics_n": values.get("n", 0),
        "metrics_split": split,
    }
