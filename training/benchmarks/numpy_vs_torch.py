"""How fast does the NumPy network train, beside the same network in PyTorch?

    python -m training.benchmarks.numpy_vs_torch --data-dir DIR

Three measurements in one run, on an idle machine:

1. training steps, NumPy and PyTorch in turns: same architecture, weights, batch and number of
   threads; PyTorch in the faster of its two memory layouts;
2. where a NumPy step spends its time, and how its matrix products compare with the rate of one
   large product (this machine's sgemm rate);
3. the time of the epochs from random weights to 99 % on the validation digits, augmentation
   included.

The result is written to ``zoo/experiments/numpy_vs_torch.json``.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from training.data import mnist_digits as data
from training.engine.failures import TrainingError, run_command
from training.engine.provenance import provenance, write_experiment
from training.experiments.interval_text import percent
from training.mnist import mnist_recipe
from zoo.command_parser import CommandParser
from zoo.networks.numpy_cnn import (
    SGD,
    NumpyCNN,
    batched_products,
    convolution,
    parallel,
    softmax_cross_entropy,
)

LIMITS = "One machine; the ratio depends on its BLAS. The time to 99 % is that of one training."
BATCH = 128
GATHER = "Convolution: gathering"
LEARNING_RATE, MOMENTUM, SMOOTHING = 0.05, 0.9, 0.1
Step = Callable[[], None]


def numpy_step(network: NumpyCNN, images: np.ndarray, labels: np.ndarray) -> Step:
    """Return a function that makes one training step of the NumPy network."""
    optimizer = SGD(network.parameters, momentum=MOMENTUM)

    def step() -> None:
        logits = network.forward(images, training=True)
        _, dlogits = softmax_cross_entropy(logits, labels, SMOOTHING)
        network.backward(dlogits)
        optimizer.step(network.gradients, LEARNING_RATE)

    return step


def torch_step(
    network: NumpyCNN, images: np.ndarray, labels: np.ndarray, layout: torch.memory_format
) -> Step:
    """Return a function that makes the same step with PyTorch, in eager mode."""
    twin = network.to_torch().train().to(memory_format=layout)
    optimizer = torch.optim.SGD(
        twin.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True
    )
    x = torch.from_numpy(images).to(memory_format=layout)
    y = torch.from_numpy(labels)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin(x), y, label_smoothing=SMOOTHING).backward()
        optimizer.step()

    return step


def compare(steps: dict[str, Step], rounds: int, repeats: int) -> dict[str, list[float]]:
    """Return seconds a step, one number a round, all variants measured in turns."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for round_number in range(rounds + 1):
        for name, step in steps.items():
            with threadpool_limits(1 if name == "numpy" else None, "blas"):
                start = time.perf_counter()
                for _ in range(repeats):
                    step()
                elapsed = (time.perf_counter() - start) / repeats
            if round_number > 0:  # the first round warms up
                seconds[name].append(elapsed)
    return seconds


def profile(
    network: NumpyCNN, images: np.ndarray, labels: np.ndarray, repeats: int
) -> list[dict[str, Any]]:
    """Return milliseconds a step for each kind of work, by timing the layers.

    Gathering runs inside the convolution's threads: its time is the threads' sum over their number.
    The last row is the rate of the convolutions' products, in GFLOP/s.
    """
    spent: dict[str, list[float]] = defaultdict(list)  # appending is safe from several threads

    def timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            spent[name].append(time.perf_counter() - start)
            return result

        return wrapper

    step = numpy_step(network, images, labels)
    gathering = [(convolution, "im2col"), (batched_products, "lay_out")]
    originals = [getattr(module, name) for module, name in gathering]
    for (module, name), original in zip(gathering, originals, strict=True):
        setattr(module, name, timed(original, GATHER))
    for layer in network.layers.values():
        for pass_name in ("forward", "backward"):
            setattr(layer, pass_name, timed(getattr(layer, pass_name), type(layer).__name__))
    try:
        with threadpool_limits(1, "blas"):
            step()
            spent.clear()
            total = _seconds(lambda: [step() for _ in range(repeats)])
    finally:
        for (module, name), original in zip(gathering, originals, strict=True):
            setattr(module, name, original)
        for layer in network.layers.values():
            del layer.forward, layer.backward
    sums = {name: sum(seconds) for name, seconds in spent.items()}
    gathered = sums.pop(GATHER) / parallel.get_threads()
    products = sums.pop("Convolution") - gathered
    sums |= {GATHER: gathered, "Convolution: matrix products": products}
    sums["loss, optimizer, the rest"] = total - sum(sums.values())
    rows: list[dict[str, Any]] = [
        {"work": name, "milliseconds": 1e3 * seconds / repeats, "share": seconds / total}
        for name, seconds in sorted(sums.items(), key=_convolutions_first)
    ]
    rate = convolution_flop(network, images) * repeats / products / 1e9
    return [*rows, {"work": "rate of the matrix products, GFLOP/s", "value": rate}]


def _convolutions_first(item: tuple[str, float]) -> tuple[bool, float]:
    name, seconds = item
    return not name.startswith("Convolution"), -seconds


def convolution_flop(network: NumpyCNN, images: np.ndarray) -> int:
    """Return the floating-point operations of all convolutions' products in one training step.

    A pass takes 2 · (weights) · (output positions): forward, ∂L/∂W and, but for the first layer,
    ∂L/∂x.
    """
    flop = 0
    for name, output in network.activations(images).items():
        layer = network.layers[name]
        if isinstance(layer, convolution.Convolution):
            positions = output[:, 0].size
            passes = 3 if layer.needs_dx else 2
            flop += 2 * layer.parameters["weight"].size * positions * passes
    return flop


def sgemm_rate(size: int = 2048, repeats: int = 8) -> float:
    """Return the GFLOP/s of one large float32 product, with all threads."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    a @ a
    best = min(_seconds(lambda: a @ a) for _ in range(repeats))
    return 2 * size**3 / best / 1e9


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def time_to_99(data_dir: Path, epochs: int = 2) -> dict[str, float]:
    """Train with the recipe squeezed into ``epochs``; return seconds and validation accuracy.

    The recipe without its images of no digit, which teach none; the seconds are those of the
    epochs, without what is measured afterwards.
    """
    recipe = mnist_recipe.MnistRecipe(epochs=epochs, outlier_images=0.0, outlier_share=0.0)
    training, validation = data.load(data_dir, "train"), data.load(data_dir, "validation")
    with tempfile.TemporaryDirectory() as folder:
        record = mnist_recipe.train(recipe, training, validation, Path(folder), quiet=True)
    return {
        "seconds": record["train_seconds"],
        "accuracy": record["metrics"]["validation"]["accuracy"],
    }


def run(data_dir: Path, rounds: int, repeats: int) -> dict[str, Any]:
    """Make all measurements and return them."""
    threads = parallel.get_threads()
    torch.set_num_threads(threads)
    digits = data.load(data_dir, "validation")
    images = data.normalize(digits.images[:BATCH])
    labels = digits.labels[:BATCH].astype(np.int64)
    network = NumpyCNN()
    steps = {
        "numpy": numpy_step(NumpyCNN(), images, labels),
        "torch, contiguous": torch_step(network, images, labels, torch.contiguous_format),
        "torch, channels_last": torch_step(network, images, labels, torch.channels_last),
    }
    seconds = compare(steps, rounds, repeats)
    fastest = min(list(steps)[1:], key=lambda name: statistics.median(seconds[name]))
    ratios = [t / n for t, n in zip(seconds[fastest], seconds["numpy"], strict=True)]
    return {
        "threads": threads,
        "seconds": seconds,
        "fastest_torch": fastest,
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "profile": profile(network, images, labels, repeats * 3),
        "sgemm": sgemm_rate(),
        "time_to_99": time_to_99(data_dir),
    }


def report(result: dict[str, Any]) -> str:
    """Return the result as text."""
    lines = [f"batch {BATCH}, {result['threads']} threads, float32", "", "training step"]
    for name, seconds in result["seconds"].items():
        median = statistics.median(seconds)
        lines.append(f"  {name:22} {1e3 * median:7.1f} ms  {BATCH / median:7.0f} images/s")
    low, high = result["ratio_range"]
    lines.append(
        f"  NumPy reaches {result['ratio']:.2f} x the throughput of {result['fastest_torch']} "
        f"(rounds from {low:.2f} to {high:.2f})"
    )
    lines += ["", "where a NumPy step spends its time"]
    *rows, products = result["profile"]
    lines += [f"  {r['work']:30} {r['milliseconds']:6.2f} ms  {r['share']:4.0%}" for r in rows]
    lines.append(
        f"  matrix products run at {products['value']:.0f} GFLOP/s, one large sgemm at "
        f"{result['sgemm']:.0f}: {percent(products['value'] / result['sgemm'], 0)}"
    )
    learned = result["time_to_99"]
    lines += [
        "",
        f"2 epochs: {percent(learned['accuracy'], 2)} validation in {learned['seconds']:.0f} s",
    ]
    return "\n".join(lines)


def save(result: dict[str, Any], record: dict[str, Any]) -> Path:
    """Write the result as an experiment."""
    rows = [
        {
            "variant": name,
            "milliseconds": 1e3 * statistics.median(seconds),
            "images_per_second": BATCH / statistics.median(seconds),
        }
        for name, seconds in result["seconds"].items()
    ]
    *work, products = result["profile"]
    learned = result["time_to_99"]
    finding = (
        f"With {result['threads']} threads the NumPy network trains at {result['ratio']:.2f} times "
        f"the throughput of PyTorch ({result['fastest_torch'].split(', ')[1]}) and reaches "
        f"{percent(learned['accuracy'], 2)} on the validation digits in "
        f"{learned['seconds']:.0f} seconds."
    )
    return write_experiment(
        "numpy_vs_torch",
        question="How fast does a network in plain NumPy train, beside the same one in PyTorch?",
        finding=finding,
        rows=rows,
        record=record,
        seeds=[0],
        batch=BATCH,
        threads=result["threads"],
        ratio=result["ratio"],
        ratio_range=result["ratio_range"],
        profile=work,
        product_gflops=products["value"],
        sgemm_gflops=result["sgemm"],
        time_to_99=learned,
        limits=LIMITS,
    )


def main() -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m training.benchmarks.numpy_vs_torch",
        description="NumPy against PyTorch: training throughput, profile, time to 99 %.",
    )
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the comparison")
    parser.add_argument("--repeats", type=int, default=10, help="steps in a round")
    parser.add_argument("--save", action="store_true", help="write zoo/experiments/…json")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.repeats) < 1:
        raise TrainingError("--rounds and --repeats must be at least 1.")
    record = provenance(("numpy", "torch"))
    result = run(arguments.data_dir, arguments.rounds, arguments.repeats)
    print(report(result))
    if arguments.save:
        print(f"\nwritten to {save(result, record)}")
    return 0


if __name__ == "__main__":
    run_command(main)
