"""The command: ``python -m zoo list | info | pull | verify | predict | bench | export``.

Exit codes: 0 done, 1 a failed check (damaged weights, no answer from the Hub) or some images of
several without an answer, 2 bad usage or input. Errors are one line on stderr.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import bench, command_options, folders
from zoo.command_parser import BAD_INPUT
from zoo.errors import HubError, IntegrityError, ZooError
from zoo.loading import load
from zoo.models import Classifier, Model, Segmenter
from zoo.results import Segmentation
from zoo.weights import catalog, hub, sources
from zoo.weights.model_info import ModelInfo

if TYPE_CHECKING:
    from zoo.segmentation.saving import Saver

DONE, FAILED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except (IntegrityError, HubError) as error:
        return _complain(error, FAILED)
    except ZooError as error:
        return _complain(error, BAD_INPUT)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _complain("interrupted", 130)


def list_command(options: argparse.Namespace) -> int:
    """Print one line a model."""
    models = [catalog.info(name) for name in catalog.list_models()]
    if options.json:
        return _print_json([model.to_dict() for model in models])
    rows = [("model", "task", "parameters", "test metrics", "size")]
    for m in models:
        split = "" if m.metrics_split == "test" else f" ({m.metrics_split})"
        rows.append(
            (m.name, m.task, f"{m.parameters:,}", f"{_metrics(m)}{split}", _mebibytes(m.size))
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return DONE


def info_command(options: argparse.Namespace) -> int:
    """Print everything that the catalog knows about a model."""
    model = catalog.info(options.model)
    if options.json:
        return _print_json(model.to_dict())
    hub = f"{model.repo}@{model.revision}" if model.repo else "not published; bundled"
    if model.folder is not None:
        hub = f"not published; {model.folder}"
    lines = {
        "model": f"{model.name} ({model.title})",
        "task": model.task,
        "network": f"{model.architecture} ({model.framework}), {model.parameters:,} parameters",
        "labels": ", ".join(model.labels),
        f"{model.metrics_split} metrics": f"{_metrics(model)} (n={model.metrics_n:,})",
        "license": model.license,
        "data": f"{model.data.get('name')}, {model.data.get('license')}",
        "hub": hub,
    }
    lines |= {f.name: f"{f.size:,} bytes, sha256 {f.sha256}" for f in model.files.values()}
    for name, value in lines.items():
        print(f"{name + ':':20}{value}")
    return DONE


def pull_command(options: argparse.Namespace) -> int:
    """Bring models from the Hub into the local cache, verified."""
    names = options.models or catalog.list_models(own=False)
    models = [catalog.info(name) for name in names]
    if hub.repository() is None:
        raise ZooError(
            'no Hub repo is configured, so there is nothing to pull: set ZOO_REPO="owner/name". '
            "The weights that ship with the code work without it (python -m zoo verify)."
        )
    for model in models:
        files = sources.resolve(model, "hub", options.revision, options.timeout)
        if files.notice:
            print(f"note: {files.notice}", file=sys.stderr)
        print(f"{model.name}: {_mebibytes(model.size)} verified, revision {files.revision}")
    return DONE


def verify_command(options: argparse.Namespace) -> int:
    """Check size and sha256 of every bundled file, and that the weights fit their networks."""
    failed = False
    for name in catalog.list_models(own=False):
        try:
            load(name, device="cpu", source="bundle")
            print(f"{name}: {len(catalog.info(name).files)} files match the catalog and load")
        except IntegrityError as error:
            failed = True
            _complain(error, FAILED)
    return FAILED if failed else DONE


def predict_command(options: argparse.Namespace) -> int:
    """Print the answer for each image; a bad image does not keep the others from theirs.

    The bad ones are named on stderr, as they come, and several once more at the end. Of a folder
    all images are taken, with a progress bar; where masks or cut-outs are saved, the same command
    goes on after an interruption.
    """
    paths = folders.images_in(options.images, (options.save_mask, options.save_cutout))
    model = _load(options, backend=options.backend, precision=options.precision)
    saver = _saver(options, model)
    journal = _journal(options, model) if saver and paths != options.images else None
    edit = Segmentation.largest_component if options.largest_component else None
    if journal and journal.done:
        print(f"note: {len(journal.done)} of {len(paths)} are done already", file=sys.stderr)
    try:
        return _predict_all(options, folders.predict_all(model, paths, saver, edit, journal), paths)
    except KeyboardInterrupt:
        if journal is None:
            raise
        return _complain("interrupted; the same command goes on from here", 130)


def _predict_all(
    options: argparse.Namespace, outcomes: Iterable[folders.ImageOutcome], paths: Sequence[str]
) -> int:
    """Print the outcomes as they come; return the exit code."""
    answers: list[Mapping[str, Any]] = []
    failed: list[str] = []
    with _progress(len(paths), shown=paths != options.images) as bar:
        for outcome in outcomes:
            bar.update()
            if outcome.answer is None:
                failed.append(outcome.path)
                with bar.external_write_mode():
                    _complain(f"{outcome.path}: {outcome.error}", FAILED)
                continue
            answers.append(outcome.answer)
            if not options.json:
                with bar.external_write_mode():
                    print(f"{outcome.path}: {outcome.words}")
    if options.json:
        _print_json(answers)
    return _outcome(failed, len(paths))


def _journal(options: argparse.Namespace, model: Model) -> folders.Journal:
    """Return where it is noted which images are done, by what decides the results."""
    kept = [options.save_cutout, options.save_mask]
    trained = str((model.config, model.record.get("started")))  # no two runs begin at once
    settings = {
        "model": model.name,
        "weights": hashlib.sha256(trained.encode()).hexdigest(),
        "largest_component": options.largest_component,
        "folders": [str(folder) for folder in kept],
    }
    return folders.Journal(next(folder for folder in kept if folder is not None), settings)


def _progress(total: int, shown: bool) -> Any:
    """Return a progress bar; on a terminal alone, and only if there is much to do."""
    from tqdm import tqdm

    return tqdm(total=total, unit="image", leave=False, disable=None if shown else True)


def _outcome(failed: list[str], of: int) -> int:
    """Name the images without an answer, if there are several; return the exit code."""
    if len(failed) > 1:
        _complain(f"{len(failed)} of {of} images have no answer: {', '.join(failed)}", FAILED)
    if not failed:
        return DONE
    return BAD_INPUT if len(failed) == of else FAILED


def _saver(options: argparse.Namespace, model: Model) -> Saver | None:
    """What writes the masks and cut-outs that were asked for, or None."""
    if options.save_mask is None and options.save_cutout is None:
        return None
    if not isinstance(model, Segmenter):
        raise ZooError(f"{model.name} names what an image shows; it has no masks to save.")
    from zoo.segmentation.saving import Saver

    return Saver(options.save_mask, options.save_cutout)


def bench_command(options: argparse.Namespace) -> int:
    """Time the network alone, on random inputs; a PyTorch network in several formats."""
    model = _load(options)
    if hasattr(model.network, "named_modules"):
        photo = isinstance(model, Segmenter)  # an image is work enough for all cores
        batches = [1, options.batch] if options.batch else [1] if photo else [1, 128]
        found = bench.compare_formats(model, sorted(set(batches)), options.repeats or 7)
        return _print_json(found) if options.json else _print(bench.table(found))
    result = bench.time_model(model, options.batch or 256, options.repeats or 50)
    if options.json:
        return _print_json(result)
    return _print(
        f"{model.name} on {model.device}: {result['single_ms']:.2f} ms an image (median of "
        f"{result['repeats']}), {result['images_per_second']:,.0f} images/s in batches of "
        f"{result['batch']}"
    )


def export_command(options: argparse.Namespace) -> int:
    """Write a model as a file that other programs run, after comparing its answers."""
    from zoo.backends.onnx_file import export

    model = load(options.model, device="cpu", source=options.source)
    if model.notice:
        print(f"note: {model.notice}", file=sys.stderr)
    path = options.out or Path(f"{model.name}.{options.format}")
    made = export(model, path)
    if options.json:
        return _print_json({"model": model.name, "file": str(path)} | made.to_dict())
    size = len(made.contents) / 2**20
    return _print(f"{path}: {size:.1f} MiB, ONNX opset {made.opset}; {made.parity}")


def _parser() -> argparse.ArgumentParser:
    return command_options.parser(
        {
            "list": list_command,
            "info": info_command,
            "pull": pull_command,
            "verify": verify_command,
            "predict": predict_command,
            "bench": bench_command,
            "export": export_command,
        }
    )


def _load(
    options: argparse.Namespace, backend: str = "auto", precision: str = "float32"
) -> Classifier | Segmenter:
    model = load(
        options.model,
        device=options.device,
        source=options.source,
        backend=backend,
        precision=precision,
    )
    if model.notice:
        print(f"note: {model.notice}", file=sys.stderr)
    return model


def _metrics(model: ModelInfo) -> str:
    return ", ".join(f"{name} {value:.2%}" for name, value in model.metrics.items())


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.2f} MiB"


def _print(text: str) -> int:
    print(text)
    return DONE


def _print_json(value: object) -> int:
    return _print(json.dumps(value, indent=2))


def _complain(error: object, code: int) -> int:
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
