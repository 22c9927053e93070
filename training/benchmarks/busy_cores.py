"""What does an answer cost while another process keeps the cores busy?

    python -m training.benchmarks.busy_cores

PyTorch's threads wait for each other after each layer, and GNU's OpenMP lets them spin meanwhile.
Each way to run the car network is a process of its own, which answers random inputs alone and then
beside as many busy processes as the machine has cores. The result is
``zoo/experiments/busy_cores.json``; docs/deploy.md says what follows from it.

Rows, one a way and load:

- ``way``: "spinning" (PyTorch's own setting), "GOMP_SPINCOUNT=1000" (zoo's), "OMP_WAIT_POLICY=
  PASSIVE", "one thread", "onnxruntime", "openvino".
- ``busy``: busy processes beside it; ``milliseconds``: median of an answer; ``slowest``; ``n``.
- ``cpu_milliseconds``: processor time of an answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from training.engine.failures import TrainingError, run_command
from training.engine.provenance import ROOT
from training.experiments import command

QUESTION = "What does an answer cost while another process keeps the cores busy?"
LIMITS = "One machine and one network; what is busy beside it does nothing else."
SPINNING = "spinning"
# By way: what is set in the environment, the backend, and torch's threads (0: all).
WAYS: Mapping[str, tuple[Mapping[str, str], str, int]] = {
    SPINNING: ({"GOMP_SPINCOUNT": ""}, "auto", 0),
    "GOMP_SPINCOUNT=1000": ({"GOMP_SPINCOUNT": "1000"}, "auto", 0),
    "OMP_WAIT_POLICY=PASSIVE": ({"OMP_WAIT_POLICY": "PASSIVE"}, "auto", 0),
    "one thread": ({"GOMP_SPINCOUNT": "1000"}, "auto", 1),
    "onnxruntime": ({}, "onnxruntime", 0),
    "openvino": ({}, "openvino", 0),
}
_BUSY = "while True: pass"
# Answers for some seconds, twice: at once, and when a line has come. An empty setting is taken out
# by importing torch before zoo.
_CHILD = """
import json, os, statistics, sys, time
backend, threads, seconds, model = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
if os.environ.get("GOMP_SPINCOUNT") == "":
    del os.environ["GOMP_SPINCOUNT"]
    import torch
import numpy as np
import zoo
model = zoo.load(model, device="cpu", source="bundle", backend=backend)
if threads:
    import torch
    torch.set_num_threads(threads)
inputs = np.random.default_rng(0).standard_normal((1, *model.preprocessing.input_shape), np.float32)
for _ in range(3):
    model.logits(inputs)
for turn in range(2):
    print("ready", flush=True)
    sys.stdin.readline()
    times, used, end = [], time.process_time(), time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        model.logits(inputs)
        times.append(time.perf_counter() - start)
    used = time.process_time() - used
    print(json.dumps({"milliseconds": 1000 * statistics.median(times), "n": len(times),
        "slowest": 1000 * max(times), "cpu_milliseconds": 1000 * used / len(times)}), flush=True)
"""


def measure(way: str, model: str, seconds: float, busy: int) -> list[dict[str, Any]]:
    """Return two rows: an answer alone, and beside busy processes.

    Raises:
        TrainingError: the model does not run that way.
    """
    settings, backend, threads = WAYS[way]
    arguments = [sys.executable, "-c", _CHILD, backend, str(threads), str(seconds), model]
    rows = []
    with subprocess.Popen(
        arguments, cwd=ROOT, env=os.environ | settings, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdin
        assert child.stdout
        for beside in (0, busy):
            if child.stdout.readline().strip() != "ready":
                raise TrainingError(f"{model} does not run as {way!r}; its error is above.")
            others = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(beside)]
            try:
                child.stdin.write("\n")
                child.stdin.flush()
                found = json.loads(child.stdout.readline() or "{}")
            finally:
                for other in others:
                    other.kill()
                    other.wait()
            if not found:
                raise TrainingError(f"{model} stopped as {way!r}; its error is above.")
            rows.append({"way": way, "busy": beside} | found)
    return rows


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence how many times as long an answer takes."""
    alone = {row["way"]: row["milliseconds"] for row in rows if not row["busy"]}
    beside = {row["way"]: row["milliseconds"] for row in rows if row["busy"]}
    told = ", ".join(f"{way} {beside[way]:,.0f} ms instead of {alone[way]:,.0f}" for way in beside)
    return f"Beside busy processes an answer takes: {told}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(QUESTION, data=False)
    parser.add_argument("--model", default="carvana")
    parser.add_argument("--seconds", type=float, default=2.5, help="a row (default 2.5)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args(arguments)
    study = command.Study("busy_cores", QUESTION, options, ["torch"])
    busy = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rows: list[dict[str, Any]] = []
    for way in options.ways:
        if WAYS[way][1] == "auto" or find_spec(WAYS[way][1]):
            rows += measure(way, options.model, options.seconds, busy)
    return study.conclude(rows, finding(rows), [0], limits=LIMITS)


if __name__ == "__main__":
    run_command(main)
