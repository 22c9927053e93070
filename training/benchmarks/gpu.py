"""Everything that is worth knowing on a machine with a GPU, in minutes that may be few.

    python -m training.benchmarks.gpu --out RUN_DIR [--sections answers timings]
    python -m training.benchmarks.gpu --out RUN_DIR --data-dir DIR --sections fast best

Sections, each stopped after ``--minutes`` (default 4):

- ``answers``: every model's answers to its sample images, there and on the CPU.
- ``timings``: every network in every number format and layout, and one answer from image to result,
  there and on the CPU.
- ``fast``: `training.benchmarks.cifar_time_to_94 --full`: the preset beside airbench94_muon.
- ``best``: `training.cifar10 --preset best`, a run for each of ``--seeds``.

``RUN_DIR/gpu.json`` is written after each part, and what is in it is not done again: the same
command goes on. Trainings go on from their last checkpoint. On a machine without a GPU
``--device cpu`` runs the first two sections, so that a test knows that they work.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json, write_json
from training.engine.provenance import ROOT, provenance
from zoo.bench import compare_formats, time_model
from zoo.command_parser import CommandParser
from zoo.samples import samples
from zoo.segmentation.masks import iou

GRACE = 60.0  # seconds for a training to write its checkpoint and end
AnyModel = zoo.Classifier | zoo.Segmenter
Parts = Iterator[tuple[str, Callable[[], Any]]]  # name, and what measures it


def answers(options: argparse.Namespace) -> Parts:
    """Compare every model's answers with those on the CPU."""
    for name in options.models:

        def measure(name: str = name) -> dict[str, Any]:
            here = zoo.load(name, device="cpu", source="bundle")
            return compare(here, zoo.load(name, device=options.device, source="bundle"))

        yield name, measure


def compare(here: AnyModel, there: AnyModel) -> dict[str, Any]:
    """Return how far the answers of two loads of a model differ, over its sample images."""
    paths = [sample.path for sample in samples(zoo.info(here.name).samples)]
    one: Sequence[Any] = here.predict_batch(paths)
    two: Sequence[Any] = there.predict_batch(paths)
    found: dict[str, Any] = {"device": there.device, "n": len(paths)}
    differences = [
        np.abs(a.probabilities - b.probabilities).max() for a, b in zip(one, two, strict=True)
    ]
    found["largest_difference"] = float(max(differences))
    if isinstance(here, zoo.Segmenter):
        found["worst_iou"] = min(iou(a.mask, b.mask) for a, b in zip(one, two, strict=True))
    else:
        found["same_label"] = float(
            np.mean([a.label == b.label for a, b in zip(one, two, strict=True)])
        )
    return found


def timings(options: argparse.Namespace) -> Parts:
    """Time every network, there and here."""
    for name in options.models:
        for where in dict.fromkeys((options.device, "cpu")):

            def measure(name: str = name, where: str = where) -> dict[str, Any]:
                model = zoo.load(name, device=where, source="bundle")
                found = {"answer_ms": _answer_ms(model, options.rounds)}
                if hasattr(model.network, "named_modules"):
                    batch = 128 if isinstance(model, zoo.Classifier) else 8
                    return found | compare_formats(model, [1, batch], options.rounds)
                return found | time_model(model, 256, 5 * options.rounds)

            yield f"{name} on {where}", measure


def _answer_ms(model: AnyModel, rounds: int) -> float:
    """Return the median time from an image file to the answer, in milliseconds."""
    path = samples(zoo.info(model.name).samples)[0].path
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        model.predict(path)
        times.append(time.perf_counter() - start)
    return float(1000 * np.median(times[2:]))


def fast(options: argparse.Namespace) -> Parts:
    """Train the fast preset and airbench94_muon."""
    folder = options.out / "fast"
    command = ["training.benchmarks.cifar_time_to_94", "--full", "--folder", folder]
    command += ["--out", folder / "finished", "--device", options.device, "--seeds", *options.seeds]
    yield "fast", partial(_run, options, command, folder / "cifar_time_to_94.json")


def best(options: argparse.Namespace) -> Parts:
    """Train the best preset, once a seed."""
    for seed in options.seeds:
        folder = options.out / f"best-{seed}"
        command = ["training.cifar10", "--preset", "best", "--out", folder, "--seed", seed]
        command += ["--device", options.device, "--resume"]
        yield f"best, seed {seed}", partial(_run, options, command, folder / "record.json")


def _run(options: argparse.Namespace, command: Sequence[Any], result: Path) -> dict[str, Any]:
    """Run a training until it ends or the section's time is over; return what it has written.

    Raises:
        TimeoutError: the time is over; the next run of the section goes on.
        TrainingError: it failed.
    """
    if options.data_dir is None:
        raise TrainingError("This section trains: say where CIFAR-10 is, by --data-dir DIR.")
    arguments = [sys.executable, "-m", *map(str, command), "--data-dir", str(options.data_dir)]
    left = options.ends - time.monotonic()
    if left < 1:
        raise TimeoutError
    child = subprocess.Popen(arguments, cwd=ROOT)
    try:
        code = child.wait(left)
    except subprocess.TimeoutExpired:
        child.terminate()  # it keeps its last checkpoint; a job in the background ignores SIGINT
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise TimeoutError from None
    if code:
        raise TrainingError(f"{command[0]} failed; its error is above.")
    return dict(read_json(result))


SECTIONS = {"answers": answers, "timings": timings, "fast": fast, "best": best}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = parse(arguments)
    path = options.out / "gpu.json"
    content: dict[str, Any] = dict(read_json(path)) if path.exists() else {}
    content |= provenance(["torch", "numpy"]) | {"device": options.device}
    finished = True
    for section in options.sections:
        done = content.setdefault(section, {})
        options.ends = time.monotonic() + 60 * options.minutes
        for name, measure in SECTIONS[section](options):
            if name in done:
                continue
            try:
                if time.monotonic() > options.ends:
                    raise TimeoutError
                done[name] = measure()
            except TimeoutError:
                print(f"{section}: the time is over before {name}; the same command goes on.")
                finished = False
                break
            except zoo.ZooError as error:
                raise TrainingError(str(error)) from None
            write_json(path, content)
            print(f"{section}: {name} done", flush=True)
    write_json(path, content)
    print(path)
    return 0 if finished else 1


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.benchmarks.gpu",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--out", type=Path, required=True, metavar="RUN_DIR")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="for fast and best")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=["answers", "timings"])
    parser.add_argument("--minutes", type=float, default=4.0, help="a section (default 4)")
    parser.add_argument(
        "--models", nargs="+", default=zoo.list_models(own=False, alternatives=False)
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--rounds", type=int, default=5, help="of timings (default 5)")
    parser.add_argument("--device", default="cuda", help="default cuda")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
