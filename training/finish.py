"""What a training command does with its finished runs: measure on the test set, export, publish."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from training import evaluate
from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.engine.model_folder import export
from training.metrics import company_record, error_samples, reason_record, top_activation_record
from training.publish.half_precision import in_half
from training.publish.publishing import hub_errors, publish_weights
from zoo.records import METRIC


def prepare(options: argparse.Namespace) -> None:
    """Find out before the training what would keep `finish` from its work.

    Raises:
        TrainingError: if ``--publish`` is asked for and nobody is logged in to the Hub.
    """
    from huggingface_hub import get_token

    if options.publish and get_token() is None:
        raise TrainingError("--publish needs a token: `hf auth login`, or set HF_TOKEN.")


def finish(options: argparse.Namespace, folders: Mapping[int, Path]) -> None:
    """Do what ``--export`` and ``--publish`` ask for.

    Args:
        options: the command line; see `training.engine.options.add_results`.
        folders: the finished runs by seed; the first one is exported.
    """
    if options.export or options.publish:
        print(f"exported to {export_first(folders, options.data_dir)}")
    if options.publish:
        with hub_errors():
            publish_weights(options.publish)


def export_first(folders: Mapping[int, Path], data_dir: Path) -> Path:
    """Measure every run on the test set, note all seeds in the first one's record, export it.

    The images that a classifier gets wrong most confidently go to zoo/samples, and which images
    excite its channels most, and what explains its answers to the samples, and how they hang on
    the batch. A PyTorch network is shipped in half precision, if that moves none of its validation
    figures.

    Args:
        folders: the finished runs by seed.
        data_dir: see `training.data`.

    Returns:
        The folder in the bundle.
    """
    rows = []
    shipped = dict(folders)
    seed, first = next(iter(folders.items()))
    if read_json(first / "config.json")["framework"] == "torch":
        shipped[seed] = first = in_half(first, data_dir)
    for seed, folder in shipped.items():
        test = evaluate.record_test(folder, data_dir)
        metric = METRIC[read_json(folder / "config.json")["task"]]
        validation = read_json(folder / "record.json")["metrics"].get("validation", {})
        rows.append(
            {
                "seed": seed,
                f"validation_{metric}": validation.get(metric),
                f"test_{metric}": test[metric],
            }
        )
    record = read_json(first / "record.json")
    write_json(first / "record.json", record | {"seeds": rows})
    bundled = export(first)
    if "confident_errors" in record:
        error_samples.save(bundled, data_dir)
    if "image_set" in read_json(bundled / "config.json"):
        top_activation_record.write(bundled.name)
    for record in (reason_record, company_record):
        if bundled.name in record.having():
            record.write(bundled.name)
    return bundled
