"""Read the files of format 1 (before the names were settled) as those of format 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Old key → new key, at any depth of a record, and of a config's ``data`` and ``arguments``.
RENAMED: Mapping[str, str] = {
    "licence": "license",
    "outsider_threshold": "ood_threshold",
    "outsiders": "ood",
    "outsiders_n": "ood_n",
    "least_area": "min_area",
    "input_channels": "in_channels",
    "wall_seconds": "train_seconds",
    "petaflop": "train_pflop",
    "began_with": "init_from",
    "resumed_by": "resumed",
    "streets_test": "test_streets",
    "worst_picture": "worst_image",
    "pictures": "images",
    "mistakes": "confident_errors",
    "kept": "keep_ratio",
    "select_from": "selection_start",
    "proxy_every": "proxy_interval",
    "shift_rate": "bias_lr",
    "head_rate": "head_lr",
    "muon_rate": "muon_lr",
    "small_until": "low_res_fraction",
    "small_size": "low_res_size",
    "small": "low_res_augmentation",
    "light": "jitter",
    "dapple": "random_shadow",
    "machine": "compute",
    "share": "alpha",
}


def upgrade_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ``config.json`` of format 1 in format 2.

    What a picture goes through was guessed from the input's size then: 1 × 28 × 28 meant a digit.
    """
    new = {k: _renamed(v) for k, v in config.items() if k not in ("format", "input")}
    new = {RENAMED.get(key, key): value for key, value in new.items()} | {"format": 2}
    size = config.get("input")
    if isinstance(size, Mapping):
        shape = size.get("channels"), size.get("height"), size.get("width")
        if "longest_side" in size:
            kind = "scale"
        else:
            kind = "mnist_digit" if shape == (1, 28, 28) else "crop"
        new["preprocessing"] = {"kind": kind, **size}
    return new


def upgrade_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ``record.json`` of format 1 in format 2."""
    new = dict(_renamed(record)) | {"format": 2}
    if "resumed" in new:  # one recipe wrote commits alone
        new["resumed"] = [r if isinstance(r, dict) else {"git_commit": r} for r in new["resumed"]]
    return new


def _renamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {RENAMED.get(key, key): _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return value
