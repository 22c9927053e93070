"""Time a network on this machine, alone or side by side in several number formats and layouts."""

from __future__ import annotations

import copy
import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from zoo.backends import choosing
from zoo.models import Classifier, Model

if TYPE_CHECKING:
    from zoo.backends.engines import Engine

LEAST_SECONDS = 0.05  # short calls are repeated until they take so long together
REST = 0.2  # seconds between two turns, until another library's threads are asleep
MOST_SECONDS = 2.0  # longer ones are timed once: bfloat16 where the processor does not know it
Form = tuple[str, str, bool]  # dtype, layout, folded


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        network: The model's name, or ``"resnet18"``, which is there to be compared with.
        dtype: ``"float32"`` or ``"bfloat16"``: of weights and activations.
        layout: ``"contiguous"`` (N, C, H, W) or ``"channels_last"`` (N, H, W, C).
        folded: Whether the BatchNorms are folded into the convolutions before them.
        batch: Images a forward pass.
        milliseconds: Median time of a forward pass.
        images_per_second: ``batch`` over that time.
        times: How many times that is the median of.
        backend: ``"torch"``, ``"onnxruntime"`` or ``"openvino"``; the other two choose the layout
            themselves (""), and get the network with its BatchNorms folded.
    """

    network: str
    dtype: str
    layout: str
    folded: bool
    batch: int
    milliseconds: float
    images_per_second: float
    times: int
    backend: str = "torch"


def input_shape(model: Model) -> tuple[int, int, int]:
    """Return (channels, height, width) of one input; for a network of any size that of a photo."""
    return model.preprocessing.input_shape


def time_model(model: Model, batch: int, repeats: int) -> dict[str, Any]:
    """Time a model as ``zoo.load`` gives it, on random inputs: one image, and a batch.

    Args:
        model: A loaded model, NumPy or PyTorch.
        batch: Images in the batch.
        repeats: Calls with one image; a fifth as many, at least 3, with the batch.

    Returns:
        What ``python -m zoo bench --json`` prints: medians, in milliseconds and images a second.
    """
    shape = input_shape(model)
    one, many = _random(1, shape), _random(batch, shape)
    single = _median_seconds(lambda: model.logits(one), repeats)
    together = _median_seconds(lambda: model.logits(many), max(3, repeats // 5))
    return {
        "model": model.name,
        "device": model.device,
        "source": model.source,
        "single_ms": 1000 * single,
        "batch": batch,
        "images_per_second": batch / together,
        "repeats": repeats,
    }


def compare_formats(model: Model, batches: Sequence[int], rounds: int) -> dict[str, Any]:
    """Time a PyTorch network in float32 and bfloat16, both layouts, BatchNorms kept and folded.

    On the CPU, ONNX Runtime and OpenVINO take part where they are installed.

    All cases take turns, so that whatever else the machine does slows all of them alike. Beside a
    classifier of 32 × 32 pixels stands a ResNet-18 in the form that CIFAR-10 is used to: a 3 × 3
    convolution first and no pooling behind it; untrained, which does not change its speed.

    Args:
        model: A loaded model whose network is an ``nn.Module``.
        batches: Sizes of the batches.
        rounds: How often each case is timed; see :func:`take_turns`.

    Returns:
        ``{"model", "device", "shape", "rounds", "threads", "torch", "rows": [Row as a dict, …]}``.

    Example:
        >>> model = zoo.load("cifar10")                                    # doctest: +SKIP
        >>> compare_formats(model, [1, 128], rounds=5)["rows"][0]           # doctest: +SKIP
    """
    import torch

    shape = input_shape(model)
    networks = {model.name: model.network}
    if isinstance(model, Classifier) and shape == (3, 32, 32):
        networks["resnet18"] = resnet18(len(model.labels)).to(model.device)
    cases = {
        (name, "torch", form, batch): call_of(batch)
        for name, network in networks.items()
        for form, call_of in _forms(network, shape, model.device).items()
        for batch in batches
    }
    for (backend, dtype), engine in engines(model).items():
        for batch in batches:
            call = partial(engine, _random(batch, shape))
            cases[model.name, backend, (dtype, "", True), batch] = call
    rows = [
        Row(name, dtype, layout, folded, batch, 1000 * seconds, batch / seconds, times, backend)
        for (name, backend, (dtype, layout, folded), batch), (seconds, times) in take_turns(
            cases, rounds
        ).items()
    ]
    return {
        "model": model.name,
        "device": model.device,
        "shape": list(shape),
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rows": [asdict(row) for row in rows],
    }


def engines(model: Model) -> dict[tuple[str, str], Engine]:
    """Return the other runtimes that are installed and run a model here, by (backend, dtype)."""
    wanted = [("onnxruntime", "float32"), ("openvino", "float32")]
    if choosing.has_bfloat16():
        wanted.append(("openvino", "bfloat16"))
    installed = [pair for pair in wanted if find_spec(pair[0]) and find_spec("onnx")]
    if model.device != "cpu" or not installed:
        return {}
    from zoo.backends.engines import OnnxRuntime, OpenVino
    from zoo.backends.onnx_file import onnx_bytes

    contents = onnx_bytes(model)
    return {
        (backend, dtype): OnnxRuntime(contents)
        if backend == "onnxruntime"
        else OpenVino(contents, bfloat16=dtype == "bfloat16")
        for backend, dtype in installed
    }


def take_turns(
    cases: Mapping[Any, Callable[[], object]], rounds: int
) -> dict[Any, tuple[float, int]]:
    """Return each case's median time of a call in seconds, and the number of times behind it.

    Turns must not disturb: how often a case is called is decided by a call that is warm (the first
    one folds, allocates and compiles), and each turn begins with a call that does not count, which
    finds the caches full of another case's weights and its threads asleep. It begins with a rest as
    well: OpenBLAS's threads look for work for 2^28 cycles after a product, and the object network
    took 16 ms a turn after the digit network's instead of 6.

    Args:
        cases: What to call.
        rounds: In each round every case is called once, or so often that it takes 50 ms; one
            round before them warms up. A case that takes more than 2 s then is not called again.
    """
    times: dict[Any, list[float]] = {case: [] for case in cases}
    calls = dict.fromkeys(cases, 1)
    with tqdm(total=len(cases) * (rounds + 1), unit="case", leave=False, disable=None) as bar:
        for turn in range(rounds + 1):
            for case, call in cases.items():
                bar.update()
                if calls[case] == 0:
                    continue
                time.sleep(REST)
                cold = _seconds(call, 1)
                if turn == 0:
                    calls[case] = 0 if cold > MOST_SECONDS else _often(_seconds(call, 1))
                    times[case] += [cold] if calls[case] == 0 else []
                else:
                    times[case].append(_seconds(call, calls[case]))
    return {case: (statistics.median(spent), len(spent)) for case, spent in times.items()}


def _seconds(call: Callable[[], object], times: int) -> float:
    """Return how long a call takes, the mean of several."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def _often(seconds: float) -> int:
    """Return how often a call is repeated that takes so long."""
    return max(1, min(100, round(LEAST_SECONDS / max(seconds, 1e-6))))


def resnet18(classes: int) -> Any:
    """Return an untrained ResNet-18 for images of 32 × 32 pixels, in evaluation mode.

    He et al. (2016), in the form that is usual on CIFAR-10: the first convolution is 3 × 3 with
    stride 1 instead of 7 × 7 with stride 2, and no max pooling follows it.

    Args:
        classes: Number of outputs.
    """
    from torch import nn
    from torchvision import models

    network = models.resnet18(num_classes=classes)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network.eval()


def _forms(
    network: Any, shape: tuple[int, int, int], device: str
) -> dict[Form, Callable[[int], Callable[[], object]]]:
    """Return, by (dtype, layout, folded), what makes a call for a batch size."""
    import torch

    from zoo.graph.folding import fold

    layouts = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    whole = fold(copy.deepcopy(network).cpu(), _random(1, shape)).network.to(device)
    made: dict[Form, Callable[[int], Callable[[], object]]] = {}
    for dtype, layout, folded in itertools.product(("float32", "bfloat16"), layouts, (False, True)):
        form = {"dtype": getattr(torch, dtype), "memory_format": layouts[layout]}
        twin = copy.deepcopy(whole if folded else network).eval().to(**form)

        def call_of(batch: int, twin: Any = twin, form: Any = form) -> Callable[[], object]:
            inputs = torch.from_numpy(_random(batch, shape)).to(device).to(**form)

            def call() -> object:
                with torch.inference_mode():
                    return twin(inputs).float().cpu()  # waits for a GPU

            return call

        made[dtype, layout, folded] = call_of
    return made


def table(result: Mapping[str, Any]) -> str:
    """Format the result of :func:`compare_formats` for people."""
    batches = sorted({row["batch"] for row in result["rows"]})  # the smallest one: the latency
    speeds: dict[tuple[str, ...], dict[int, float]] = {}
    for row in result["rows"]:
        norms = "folded" if row["folded"] else "kept"
        backend = row.get("backend", "torch")
        forms = (row["network"], backend, row["dtype"], row["layout"] or "its own", norms)
        speeds.setdefault(forms, {})[row["batch"]] = row["images_per_second"]
    names = ["network", "in", "numbers", "layout", "BatchNorm"]
    lines = [[*names, "ms an image", *(f"images/s, batch {batch}" for batch in batches)]]
    for form, found in speeds.items():
        numbers = [1000 / found[batches[0]], *(found[batch] for batch in batches)]
        lines.append(
            [*form, *(f"{n:,.{0 if n >= 100 else 1 if n >= 10 else 2}f}" for n in numbers)]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    height, width = result["shape"][1:]
    head = (
        f"{result['model']} on {result['device']}, {result['threads']} threads, torch "
        f"{result['torch']}, {width} × {height} pixels; medians of {result['rounds']} rounds in "
        f"which all take turns (once, if a batch takes more than {MOST_SECONDS:.0f} s)"
    )
    texts = [
        "  ".join(
            cell.ljust(wide) if column < len(names) else cell.rjust(wide)
            for column, (cell, wide) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([head, *texts])


def _random(batch: int, shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)


def _median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call; two calls before it are not counted."""
    times = []
    for index in range(repeats + 2):
        start = time.perf_counter()
        run()
        if index >= 2:
            times.append(time.perf_counter() - start)
    return statistics.median(times)
