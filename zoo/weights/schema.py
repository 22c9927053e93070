"""What ``config.json`` must hold: every key checked where a file enters, by one schema.

Whatever a file says, the caller gets a config whose types, ranges and sizes are right, or one
:class:`~zoo.errors.IntegrityError` that names the key. Files of format 1 are read as format 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from zoo.errors import IntegrityError
from zoo.weights.format_1 import upgrade_config, upgrade_record

FORMAT = 2
TASKS = ("classification", "segmentation")
FRAMEWORKS = ("numpy", "torch")
KINDS = ("crop", "scale", "mnist_digit")
MAX_SIDE = 8192  # pixels of a network's input
MAX_NUMBER = 1_000_000  # in the arguments of a network
MAX_CLASSES = 100_000

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 10_000


def _integer(low: int, high: int) -> Check:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _number(low: float, high: float) -> Check:
    def check(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and math.isfinite(value) and low <= value <= high

    return check


def _one_of(*values: Any) -> Check:
    return lambda value: isinstance(value, str) and value in values


def _labels(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_CLASSES and all(map(_text, value))


def _arguments(value: Any) -> bool:
    """Say whether every number is finite and of a size that a network can have."""
    if isinstance(value, Mapping):
        return len(value) <= 64 and all(_text(k) and _arguments(v) for k, v in value.items())
    if isinstance(value, list):
        return len(value) <= 256 and all(map(_arguments, value))
    if isinstance(value, str | bool) or value is None:
        return True
    return _number(-MAX_NUMBER, MAX_NUMBER)(value)


_CONFIG: dict[str, tuple[Check, str]] = {
    "model": (_text, "a name"),
    "task": (_one_of(*TASKS), f"one of {', '.join(TASKS)}"),
    "framework": (_one_of(*FRAMEWORKS), f"one of {', '.join(FRAMEWORKS)}"),
    "architecture": (_text, "a name"),
    "arguments": (
        lambda v: isinstance(v, Mapping) and _arguments(v),
        "an object of finite numbers of a usual size",
    ),
    "preprocessing": (lambda v: isinstance(v, Mapping), "an object"),
    "labels": (_labels, "a list of names"),
}
_OPTIONAL: dict[str, tuple[Check, str]] = {
    "threshold": (_number(0, 1), "a number from 0 to 1"),
    "min_area": (_number(0, 1), "a number from 0 to 1"),
    "ood_threshold": (_number(0, 1), "a number from 0 to 1"),
    "title": (_text, "a text"),
    "samples": (_text, "a name"),
    "image_set": (_text, "a name"),
    "limitations": (_text, "a text"),
    "license": (_text, "a text"),
    "data": (lambda v: isinstance(v, Mapping), "an object"),
}


def check_config(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a config of the current format.

    Args:
        content: The parsed ``config.json``, of format 1 or 2.
        where: What the error calls the file.

    Raises:
        IntegrityError: A key is missing or has a value that it cannot have.
    """
    config = dict(upgrade_config(content) if content.get("format") == 1 else content)
    if config.get("format") != FORMAT:
        raise IntegrityError(
            f"{where} has the format {_shown(config.get('format'))}, and this version of the code "
            f"reads 1 and {FORMAT}; update the code."
        )
    for key, (check, what) in (_CONFIG | _OPTIONAL).items():
        if key not in config:
            if key in _CONFIG:
                raise IntegrityError(f"{where} lacks {key}.")
        elif not check(config[key]):
            raise _wrong(where, key, config[key], what)
    if config["task"] == "segmentation" and "threshold" not in config:
        raise IntegrityError(f"{where} lacks threshold.")
    _check_preprocessing(config["preprocessing"], where)
    return config


def _check_preprocessing(found: Mapping[str, Any], where: str) -> None:
    sides = _integer(1, MAX_SIDE)
    channels = _number(-1000, 1000)
    rules: dict[str, tuple[Check, str]] = {
        "kind": (_one_of(*KINDS), f"one of {', '.join(KINDS)}"),
        "channels": (lambda v: v in (1, 3) and not isinstance(v, bool), "1 or 3"),
    }
    if found.get("kind") == "scale":
        rules["longest_side"] = (sides, f"a number of pixels up to {MAX_SIDE}")
    else:
        for key in ("height", "width"):
            rules[key] = (sides, f"a number of pixels up to {MAX_SIDE}")
    count = found.get("channels")
    rules["mean"] = (
        lambda v: isinstance(v, list) and len(v) == count and all(map(channels, v)),
        "one finite number a channel",
    )
    rules["std"] = (
        lambda v: rules["mean"][0](v) and all(x > 0 for x in v),
        "one positive number a channel",
    )
    for key, (check, what) in rules.items():
        if key not in found:
            raise IntegrityError(f"{where} lacks preprocessing.{key}.")
        if not check(found[key]):
            raise _wrong(where, f"preprocessing.{key}", found[key], what)
    if unknown := sorted(map(str, found.keys() - rules.keys())):
        raise IntegrityError(
            f"{where} has preprocessing.{unknown[0]}, which this version does not know; "
            "update the code."
        )


def check_record(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a record of the current format; `{}` where a folder has none.

    Raises:
        IntegrityError: What pages and cards rely on has another type.
    """
    record = dict(upgrade_record(content) if content.get("format") == 1 else content)
    if record.get("format", FORMAT) != FORMAT:
        raise IntegrityError(
            f"{where} has the format {_shown(record['format'])}, and this version of the code "
            f"reads 1 and {FORMAT}; update the code."
        )
    for key, kind, what in (("metrics", Mapping, "an object"), ("history", list, "a list")):
        if key in record and not isinstance(record[key], kind):
            raise _wrong(where, key, record[key], what)
    return record


def _wrong(where: str, key: str, value: Any, what: str) -> IntegrityError:
    return IntegrityError(f"{where} has {key} = {_shown(value)}, which must be {what}.")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
