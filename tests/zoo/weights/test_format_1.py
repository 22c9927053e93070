"""Files of format 1 are read as those of format 2, and what no version knows is refused."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.errors import IntegrityError
from zoo.weights.schema import check_config, check_record

OLD: dict[str, Any] = {
    "format": 1,
    "model": "mnist",
    "task": "classification",
    "framework": "numpy",
    "architecture": "numpy_cnn",
    "arguments": {"input_channels": 1, "channels": [2, 4]},
    "input": {"channels": 1, "height": 28, "width": 28, "mean": [0.1307], "std": [0.3081]},
    "labels": ["0", "1"],
    "outsider_threshold": 0.7,
    "licence": "Apache-2.0",
    "data": {"name": "MNIST", "licence": "CC BY-SA 3.0"},
}


def test_an_old_config_gets_the_new_names() -> None:
    config = check_config(OLD, "config.json")
    assert config["preprocessing"]["kind"] == "mnist_digit"
    assert config["arguments"] == {"in_channels": 1, "channels": [2, 4]}
    assert (config["ood_threshold"], config["license"]) == (0.7, "Apache-2.0")
    assert config["data"] == {"name": "MNIST", "license": "CC BY-SA 3.0"}


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ({"channels": 3, "height": 32, "width": 32}, "crop"),
        ({"channels": 3, "longest_side": 512}, "scale"),
    ],
)
def test_the_kind_of_preprocessing_is_what_was_guessed_then(size: dict, kind: str) -> None:
    scaled = size | {"mean": [0.5] * 3, "std": [0.2] * 3}
    config = check_config(OLD | {"input": scaled}, "config.json")
    assert config["preprocessing"] == {"kind": kind, **scaled}


def test_an_old_record_gets_the_new_names() -> None:
    record = check_record(
        {
            "format": 1,
            "wall_seconds": 3.0,
            "resumed_by": ["abc"],
            "metrics": {"streets_test": {"iou": 0.5}},
            "began_with": {"recipe": {"kept": 0.5}, "petaflop": 1.0},
        },
        "record.json",
    )
    assert record == {
        "format": 2,
        "train_seconds": 3.0,
        "resumed": [{"git_commit": "abc"}],
        "metrics": {"test_streets": {"iou": 0.5}},
        "init_from": {"recipe": {"keep_ratio": 0.5}, "train_pflop": 1.0},
    }


@pytest.mark.parametrize("found", [3, None, "2", [2]])
def test_another_format_says_update_the_code(found: Any) -> None:
    with pytest.raises(IntegrityError, match="update the code"):
        check_config(OLD | {"format": found}, "config.json")
