"""What ``config.json`` and ``record.json`` must hold: every key is checked where a file enters.

Whatever a file says, the caller gets values whose types, ranges and sizes are right, or one
:class:`~zoo.errors.IntegrityError` that names the key. Files of format 1 are read as format 2.
Keys that the schema does not know may be there; they too hold finite numbers and plain text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from zoo.errors import IntegrityError
from zoo.preprocessing.preprocessing import KINDS
from zoo.weights.format_1 import upgrade_config, upgrade_record

FORMAT = 2
TASKS = ("classification", "segmentation")
FRAMEWORKS = ("numpy", "torch")
MAX_SIDE = 8192  # pixels of a network's input
MAX_ARGUMENT = 16_384  # the largest number in the arguments of a network: its widest layer
MAX_CLASSES = 100_000
MAX_DEPTH = 32  # of lists and objects in each other

Rule = Callable[[Any, str], None]
"""Takes a value and the path of its key; raises `_Wrong` if the value is not what it should be."""


class _Wrong(Exception):
    def __init__(self, key: str, value: Any, what: str) -> None:
        super().__init__(key)
        shown = repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
        self.sentence = f"has {key} = {ascii(shown)[1:-1]}, which must be {what}"


class _Lacks(_Wrong):
    def __init__(self, key: str) -> None:
        super().__init__(key, None, "")
        self.sentence = f"lacks {key}"


def _rule(check: Callable[[Any], bool], what: str) -> Rule:
    def rule(value: Any, key: str) -> None:
        if not check(value):
            raise _Wrong(key, value, what)

    return rule


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100_000 and _is_encodable(value)


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _is_number(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and low <= value <= high  # False for NaN


def _number(low: float, high: float) -> Rule:
    return _rule(lambda v: _is_number(v, low, high), f"a number from {low:g} to {high:g}")


def _integer(low: int, high: int) -> Rule:
    what = f"a whole number from {low:,} to {high:,}"
    return _rule(lambda v: type(v) is int and low <= v <= high, what)


def _one_of(*values: Any) -> Rule:
    what = "one of " + ", ".join(map(str, values))
    return _rule(lambda v: any(type(v) is type(each) and v == each for each in values), what)


def _list(item: Rule, shortest: int = 0, longest: int = 1_000_000) -> Rule:
    def rule(value: Any, key: str) -> None:
        if not isinstance(value, list) or not shortest <= len(value) <= longest:
            raise _Wrong(key, value, f"a list of {shortest:,} to {longest:,} items")
        for number, each in enumerate(value):
            item(each, f"{key}[{number}]")

    return rule


def _object(
    required: Mapping[str, Rule],
    optional: Mapping[str, Rule] | None = None,
    other: Rule | None = None,
) -> Rule:
    """An object: keys that must be there, keys that may be, and a rule for all the others."""

    def rule(value: Any, key: str) -> None:
        if not isinstance(value, Mapping):
            raise _Wrong(key, value, "an object")
        for name in required:
            if name not in value:
                raise _Lacks(_path(key, name))
        rules = {**(optional or {}), **required}
        for name, each in value.items():
            if check := rules.get(name, other):
                check(each, _path(key, name))

    return rule


def _nullable(rule: Rule) -> Rule:
    return lambda value, key: None if value is None else rule(value, key)


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether :func:`_plain` has surely nothing to say, quickly: a record has thousands of values.

    Most of the time of loading a model went into naming values that nobody asks about.
    """
    kind = type(value)
    if depth > MAX_DEPTH:
        return False
    if kind is float or kind is int:
        return -1e18 <= value <= 1e18
    if kind is str:
        return value.isascii() or _is_encodable(value)
    if kind is dict:
        return all(_is_plain(k, depth + 1) and _is_plain(v, depth + 1) for k, v in value.items())
    if kind is list:
        return all(_is_plain(each, depth + 1) for each in value)
    return value is None or kind is bool


def _plain(value: Any, key: str, depth: int = 0) -> None:
    """Any value whose numbers are finite, whose texts can be printed, and that is not too deep."""
    if depth > MAX_DEPTH:
        raise _Wrong(key, "…", f"nested at most {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        for name, each in value.items():
            _plain(name, key, depth + 1)
            _plain(each, _path(key, name), depth + 1)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _plain(each, f"{key}[{number}]", depth + 1)
    elif isinstance(value, str):
        if not _is_encodable(value):
            raise _Wrong(key, value, "text that can be printed")
    elif not isinstance(value, bool) and value is not None and not _is_number(value, -1e18, 1e18):
        raise _Wrong(key, value, "a finite number of a usual size")


def _path(key: str, name: object) -> str:
    name = str(name)[:60]
    return f"{key}.{name}" if key else name


def _argument(value: Any, key: str) -> None:
    """A number, text, list or object that the constructor of a network may take."""
    if isinstance(value, Mapping):
        _object({}, other=_argument)(value, key)
    elif isinstance(value, list):
        _list(_argument, longest=256)(value, key)
    elif not isinstance(value, str | bool) and value is not None:
        _number(-MAX_ARGUMENT, MAX_ARGUMENT)(value, key)


TEXT = _rule(_is_text, "a text")
_COUNT = _integer(0, 10**15)
_FRACTION = _number(0, 1)
_SECONDS = _number(0, 1e12)
_ANY = _number(-1e18, 1e18)
_NUMBERS = _object({}, other=_nullable(_ANY))
_DATA = dict.fromkeys(("name", "reader", "license", "source", "citation"), TEXT)

_CONFIG = {
    "model": TEXT,
    "task": _one_of(*TASKS),
    "framework": _one_of(*FRAMEWORKS),
    "architecture": TEXT,
    "arguments": _object({}, other=_argument),
    "preprocessing": _object({"kind": _one_of(*KINDS), "channels": _one_of(1, 3)}),
    "labels": _list(TEXT, 1, MAX_CLASSES),
}
_CONFIG_OPTIONAL = {
    "threshold": _FRACTION,
    "min_area": _FRACTION,
    "min_confidence": _FRACTION,
    "ood_threshold": _FRACTION,
    "title": TEXT,
    "samples": TEXT,
    "image_set": TEXT,
    "limitations": TEXT,
    "alternative_to": TEXT,
    "license": TEXT,
    "data": _object({}, _DATA),
}
_SPLIT = _object(
    {"n": _COUNT},
    dict.fromkeys(("accuracy", "iou", "dice", "boundary_iou", "worst"), _FRACTION)
    | {"images": _object({}, other=_plain)},
)
_HISTORY = _list(
    _object(
        {"epoch": _COUNT},
        {
            "seconds": _SECONDS,
            "learning_rate": _ANY,
            "train": _nullable(_NUMBERS),
            "validation": _nullable(_NUMBERS),
        },
    )
)
_RECIPE = _object({}, {"keep_ratio": _FRACTION, "selection_start": _FRACTION, "epochs": _COUNT})
_PARTS = _list(_object({"first": _COUNT, "last": _COUNT}, {"selects_from": _nullable(_COUNT)}))
_EARLIER: Rule = _object(
    {},
    {
        "recipe": _RECIPE,
        "parts": _PARTS,
        "epochs": _COUNT,
        "init_from": _nullable(lambda v, k: _EARLIER(v, k)),
    },
)
_SHOWN = {  # of a record: what the pages and the card show of every model
    "command": TEXT,
    "seed": _nullable(_COUNT),
    "selection": TEXT,
    "train_seconds": _SECONDS,
    "hardware": _object(
        {"cpu": TEXT, "cores": _COUNT}, {"gpu": _nullable(TEXT), "memory_gib": _ANY}
    ),
    "metrics": _object({}, {"test": _SPLIT, "validation": _SPLIT}),
    "history": _HISTORY,
    "git_commit": _nullable(TEXT),
}
_ERROR = _object({"index": _COUNT, "true": _COUNT, "predicted": _COUNT, "probability": _FRACTION})
_RELIABILITY = _object(
    {
        "ece": _FRACTION,
        "bins": _list(
            _object(
                {
                    "n": _COUNT,
                    "confidence": _nullable(_FRACTION),
                    "accuracy": _nullable(_FRACTION),
                }
            )
        ),
    }
)
_RECORD = {
    "parameters": _COUNT,
    "test_set": TEXT,
    "started": TEXT,
    "recipe": _RECIPE,
    "parts": _PARTS,
    "versions": _object({}, other=TEXT),
    "seeds": _list(_NUMBERS),
    "init_from": _nullable(_EARLIER),
    "resumed": _list(
        _object(
            {},
            {"compute": _nullable(_object({}, {"processes": _COUNT, "threads": _COUNT}))},
        )
    ),
    "validation_run": _nullable(_object({}, {"history": _HISTORY})),
    "calibration": _object(
        {
            "temperature": _number(1e-9, 1e9),
            "ece_before": _FRACTION,
            "ece_after": _FRACTION,
            "n": _COUNT,
        }
    ),
    "ood": _object(
        {
            "threshold": _FRACTION,
            "false_alarm_rate": _FRACTION,
            "n": _COUNT,
            "detection_rates": _object({}, other=_FRACTION),
            "ood_n": _object({}, other=_COUNT),
        }
    ),
    "confusion": _list(_list(_COUNT, 1, MAX_CLASSES), 1, MAX_CLASSES),
    "confident_errors": _list(_ERROR),
    "error_examples": _list(_ERROR),
    "reliability": _object(
        {"split": TEXT, "n": _COUNT, "after": _RELIABILITY}, {"before": _RELIABILITY}
    ),
}  # fmt: skip


def check_config(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a config of the current format.

    Args:
        content: The parsed ``config.json``, of format 1 or 2.
        where: What the error calls the file.

    Raises:
        IntegrityError: A key is missing or has a value that it cannot have.
    """
    config = _of_this_format(content, where, upgrade_config)
    _check(config, _object(_CONFIG, _CONFIG_OPTIONAL), where)
    if config["task"] == "segmentation" and "threshold" not in config:
        raise IntegrityError(f"{where} lacks threshold.")
    _check({"preprocessing": config["preprocessing"]}, _preprocessing(config), where)
    return config


def _preprocessing(config: Mapping[str, Any]) -> Rule:
    """Return what must hold of the size, the mean and the std, by the kind and the channels."""
    found = config["preprocessing"]
    count, side = found["channels"], _integer(1, MAX_SIDE)
    sides = ("longest_side",) if found["kind"] == "scale" else ("height", "width")
    rules: dict[str, Rule] = dict.fromkeys(sides, side)
    if found["kind"] == "mnist_digit":
        rules = dict.fromkeys(sides, _one_of(28)) | {"channels": _one_of(1)}
    rules |= {
        "mean": _list(_number(-1000, 1000), count, count),
        "std": _list(_number(1e-6, 1000), count, count),
    }
    known = {*rules, "kind", "channels"}

    def unknown(value: Any, key: str) -> None:
        if key.partition(".")[2] not in known:
            raise _Wrong(key, value, "known to this version; update the code")

    return _object({"preprocessing": _object(rules, other=unknown)})


def check_record(
    content: Mapping[str, Any], where: str, labels: int = 0, complete: bool = False
) -> dict[str, Any]:
    """Return a record of the current format; `{}` where a folder has none.

    Args:
        content: The parsed ``record.json``, of format 1 or 2.
        where: What the error calls the file.
        labels: How many classes the confusion matrix must have; 0 if that is not known.
        complete: Whether all that every page shows must be there.

    Raises:
        IntegrityError: What pages and cards rely on is missing or has another type.
    """
    record = dict(content)
    if "format" in content or complete:
        record = _of_this_format(content, where, upgrade_record)
    required = _SHOWN | {"metrics": _object({"test": _SPLIT}, {"validation": _SPLIT})}
    rule = _object(required, _RECORD) if complete else _object({}, _SHOWN | _RECORD)
    _check(record, rule, where, plain=content.get("format") == FORMAT)
    test = record.get("metrics", {}).get("test", {})
    if complete and not {"accuracy", "iou", "dice"} & test.keys():
        raise IntegrityError(f"{where} lacks metrics.test.accuracy (or .iou).")
    table = record.get("confusion", [])
    if any(len(row) != (labels or len(table)) or not sum(row) for row in table) or (
        labels and table and len(table) != labels
    ):
        raise IntegrityError(
            f"{where} has a confusion that is no table of {labels or len(table)} classes, each "
            "with images."
        )
    for name in ("confident_errors", "error_examples"):
        if labels and any(
            max(each["true"], each["predicted"]) >= labels for each in record.get(name, [])
        ):
            raise IntegrityError(f"{where} has {name} of a class that has no label.")
    return record


def check_arguments(arguments: Mapping[str, Any], largest: int, where: str) -> None:
    """Raise `IntegrityError` if a network's argument is too large for the weights at hand.

    Args:
        arguments: Of a checked config.
        largest: The widest side of a tensor, or the number of tensors, whichever is more.
        where: What the error calls the file.
    """

    def fits(value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            _object({}, other=fits)(value, key)
        elif isinstance(value, list):
            _list(fits)(value, key)
        elif _is_number(value, largest + 1, math.inf):
            raise _Wrong(key, value, f"at most {largest:,}, the largest side of its weights")

    _check({"arguments": arguments}, _object({"arguments": fits}), where)


def _of_this_format(
    content: Mapping[str, Any], where: str, upgrade: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    found = content.get("format")
    if type(found) is not int or found not in (1, FORMAT):
        raise IntegrityError(
            f"{where} has the format {str(found)[:60]!a}, and this version of the code reads 1 and "
            f"{FORMAT}; update the code."
        )
    _check(content, _object({}), where)  # also bounds the depth, which an upgrade walks down
    return upgrade(content) if found == 1 else dict(content)


def _check(content: Mapping[str, Any], rule: Rule, where: str, plain: bool = False) -> None:
    """Raise `IntegrityError` unless a rule holds; ``plain``: it is known that `_plain` does."""
    try:
        if not plain and not _is_plain(content):
            _plain(content, "")  # names what is wrong
        rule(content, "")
    except _Wrong as wrong:
        raise IntegrityError(f"{where} {wrong.sentence}.") from None
