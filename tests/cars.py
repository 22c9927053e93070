"""A tiny segmentation model: untrained, or the one of `tests.red_cars`; and what it records."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors.numpy import save
from torch import nn

from zoo.networks.segmentation.unet import UNet

ARGUMENTS: dict[str, Any] = {"widths": [4, 6, 8], "skips": True}
LONGEST = 64
TEST = {
    "iou": 0.98,
    "dice": 0.99,
    "boundary_iou": 0.9,
    "worst": 0.95,
    "worst_image": "b_02",
    "images": {"a_01": 0.99, "b_02": 0.95},
    "n": 2,
}


def network(seed: int = 0) -> UNet:
    """An untrained U-Net whose BatchNorms have something to say."""
    torch.manual_seed(seed)
    unet = UNet(**ARGUMENTS)
    for module in unet.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, std=0.3)
    return unet.eval()


def config(**changes: Any) -> dict[str, Any]:
    """What ``config.json`` of a car model holds."""
    return {
        "format": 2,
        "model": "carvana",
        "title": "Cars",
        "task": "segmentation",
        "framework": "torch",
        "architecture": "unet",
        "arguments": ARGUMENTS,
        "preprocessing": {
            "kind": "scale",
            "channels": 3,
            "longest_side": LONGEST,
            "mean": [0.5] * 3,
            "std": [0.25] * 3,
        },
        "labels": ["car"],
        "threshold": 0.5,
        "license": "Apache-2.0",
        "samples": "cars",
        "limitations": "It was measured on cars in one photo studio.",
        "data": {
            "name": "Carvana",
            "reader": "carvana_photos",
            "source": "tests",
            "license": "none",
            "citation": "none",
        },
    } | changes


def record(seed: int = 0, **changes: Any) -> dict[str, Any]:
    """What ``record.json`` of a finished run holds."""
    return {
        "format": 2,
        "model": "carvana",
        "command": "python -m training.carvana",
        "git_commit": "0" * 40,
        "started": "2026-01-01T00:00:00+00:00",
        "seed": seed,
        "hardware": {"cpu": "test", "cores": 2, "threads": 2, "memory_gib": 1, "gpu": None},
        "versions": {"torch": "2"},
        "train_seconds": 90.0,
        "recipe": {"epochs": 2},
        "parameters": sum(p.numel() for p in network().parameters()),
        "history": [
            {
                "epoch": epoch,
                "learning_rate": 0.1,
                "seconds": 45.0,
                "train": {"loss": 0.4 / epoch},
                "validation": {"iou": 0.45 * epoch, "dice": 0.48 * epoch, "boundary_iou": 0.4},
            }
            for epoch in (1, 2)
        ],
        "metrics": {"validation": {"iou": 0.9, "dice": 0.96, "boundary_iou": 0.8, "n": 4}}
        | {"test": TEST, "test_streets": {"iou": 0.6, "dice": 0.7, "boundary_iou": 0.3, "n": 3}},
        "selection": "the averaged weights after the last epoch",
        "seeds": [{"seed": seed, "validation_iou": 0.9, "test_iou": 0.98}],
    } | changes


def final_record(seed: int = 0) -> dict[str, Any]:
    """What the record of a run holds that learned from the validation images, too."""
    before = record(seed)
    rows = [
        {key: row[key] for key in row if key != "validation"} | {"train": {"loss": 0.3}}
        for row in before["history"]
    ]
    first = {key: before[key] for key in ("command", "git_commit", "seed", "history")}
    return before | {"history": rows, "validation_run": first}


def model_files(seed: int = 0, **changes: Any) -> dict[str, bytes]:
    """The three files of a model; ``changes`` go into its record."""
    state = {name: value.numpy() for name, value in network(seed).state_dict().items()}
    return {
        "model.safetensors": save(state, {"architecture": "unet"}),
        "config.json": json.dumps(config(), indent=1).encode(),
        "record.json": json.dumps(record(seed, **changes), indent=1).encode(),
    }
