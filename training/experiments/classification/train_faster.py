"""How does one train faster, and which lines of the code change?

    python -m training.experiments.classification.train_faster --data-dir DIR
    python -m training.experiments.classification.train_faster --data-dir DIR --device cuda

Steps of one training on CIFAR-10 (forward, backward, optimizer), on an idle machine; all variants
take turns. One change after another, each change alone, and mistakes. What only a GPU can show
(asynchronous copies, timing without synchronizing) is left out on a CPU and never guessed.

Rows, one a variant and round:

- ``device``: "cpu" or "cuda"; ``series``: "one after another", "alone" or "mistake".
- ``variant``: "as one writes it first" (float32), "bfloat16 autocast", "channels_last",
  "torch.compile", "larger batch", "asynchronous copies"; mistakes: ".item() in every step",
  "timing without synchronizing", "copies image by image".
- ``batch``, ``round``.
- ``step_ms``, ``images_per_second``; ``speedup``: over the first variant of the same round.

``diffs``: by variant, the lines that change, as a unified diff. One JSON holds both devices: a run
keeps the rows of the other device.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from training.data import cifar_images
from training.data.augment_images import normalize
from training.data.cifar_images import LabelledImages
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json
from training.experiments import command
from zoo.networks.cifar_net import CifarNet

NAME = "train_faster"
QUESTION = "How does one train faster, and which lines change?"
FIRST, LARGER, STEPS, ROUNDS = 128, 512, 3, 4
WIDTHS = (64, 128, 128)
BEGIN = "as one writes it first"


@dataclass(frozen=True)
class TrainingWay:
    """How a training is written.

    Attributes:
        autocast: whether the forward pass runs in bfloat16.
        channels_last: whether network and images lie with the channels innermost.
        compiled: whether ``torch.compile`` has the network.
        batch: images a step.
        asynchronous: whether images come from pinned memory without waiting.
        items: whether the loss is read in every step.
        waits: whether the clock waits for the GPU before it is read.
        single: whether images are moved one by one.
    """

    autocast: bool = False
    channels_last: bool = False
    compiled: bool = False
    batch: int = FIRST
    asynchronous: bool = False
    items: bool = False
    waits: bool = True
    single: bool = False


CHANGES: dict[str, dict[str, Any]] = {  # in the order in which they are piled up
    "bfloat16 autocast": {"autocast": True},
    "channels_last": {"channels_last": True},
    "larger batch": {"batch": LARGER},
    "torch.compile": {"compiled": True},
    "asynchronous copies": {"asynchronous": True},
}
MISTAKES: dict[str, dict[str, Any]] = {
    ".item() in every step": {"items": True},
    "copies image by image": {"single": True},
    "timing without synchronizing": {"waits": False},
}
GPU_ONLY = {"asynchronous copies", "timing without synchronizing"}


def ways(device: str, compiles: bool) -> list[tuple[str, str, TrainingWay]]:
    """Return (series, variant, way) of everything that this device can show."""

    def shown(names: Mapping[str, Any]) -> list[str]:
        return [
            name
            for name in names
            if not (name in GPU_ONLY and device == "cpu") and (compiles or name != "torch.compile")
        ]

    piled = TrainingWay()
    found = [("one after another", BEGIN, piled)]
    for name in shown(CHANGES):
        piled = replace(piled, **CHANGES[name])
        found.append(("one after another", name, piled))
    found += [("alone", name, replace(TrainingWay(), **CHANGES[name])) for name in shown(CHANGES)]
    best = replace(TrainingWay(), autocast=True, channels_last=True)  # where the mistakes are made
    found += [("mistake", name, replace(best, **MISTAKES[name])) for name in shown(MISTAKES)]
    return [*found, ("mistake", "none of them", best)]


class TimedTraining:
    """A training written in one way, ready to take steps."""

    def __init__(self, way: TrainingWay, images: LabelledImages, device: torch.device) -> None:
        torch.manual_seed(0)
        self.way, self.device = way, device
        network = CifarNet(WIDTHS).to(device)
        self.layout = torch.channels_last if way.channels_last else torch.contiguous_format
        network = network.to(memory_format=self.layout).train()
        trained = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9, nesterov=True)
        self.network: Any = torch.compile(network) if way.compiled else network
        self.inputs = normalize(torch.from_numpy(images.images)).contiguous()
        self.labels = torch.from_numpy(images.labels)
        if way.asynchronous:
            self.inputs, self.labels = self.inputs.pin_memory(), self.labels.pin_memory()
        self.seen = 0.0

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Return a batch on the device."""
        size = self.way.batch
        first = number * size % max(1, len(self.labels) - size + 1)
        inputs, labels = self.inputs[first : first + size], self.labels[first : first + size]
        if self.way.single:
            inputs = torch.stack([image.to(self.device) for image in inputs])
        quick = self.way.asynchronous
        inputs = inputs.to(self.device, non_blocking=quick)
        return inputs.to(memory_format=self.layout), labels.to(self.device, non_blocking=quick)

    def step(self, number: int) -> None:
        """Take one step."""
        inputs, labels = self.batch(number)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.way.autocast):
            loss = functional.cross_entropy(self.network(inputs).float(), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.way.items:
            self.seen += loss.item()

    def seconds(self, steps: int) -> float:
        """Return the seconds of a step, as this way of timing sees them."""
        self._wait()
        start = time.perf_counter()
        for number in range(steps):
            self.step(number)
        if self.way.waits:
            self._wait()
        spent = (time.perf_counter() - start) / steps
        self._wait()
        return spent

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def code(way: TrainingWay) -> list[str]:
    """Return the training loop as one would write it, for the diff."""
    copy = "x.to(device, non_blocking=True)" if way.asynchronous else "x.to(device)"
    if way.single:
        copy = "torch.stack([image.to(device) for image in x])"
    if way.channels_last:
        copy += ".to(memory_format=torch.channels_last)"
    pinned = ", pin_memory=True" if way.asynchronous else ""
    network = "CifarNet().to(device)"
    network += ".to(memory_format=torch.channels_last)" if way.channels_last else ""
    forward = "loss = cross_entropy(network(x), y)"
    lines = [f"network = {network}"]
    lines += ["network = torch.compile(network)"] if way.compiled else []
    lines += [f"for x, y in DataLoader(images, batch_size={way.batch}{pinned}):"]
    lines += [f"    x, y = {copy}, y.to(device)"]
    lines += (
        ["    with torch.autocast(device, torch.bfloat16):", f"        {forward}"]
        if way.autocast
        else [f"    {forward}"]
    )
    lines += ["    optimizer.zero_grad()", "    loss.backward()", "    optimizer.step()"]
    lines += ["    total += loss.item()"] if way.items else []
    return lines + (["torch.cuda.synchronize()"] if way.waits else [])


def diff(before: TrainingWay, after: TrainingWay) -> list[str]:
    """Return the lines that change, each with its sign; unchanged ones begin with a space."""
    made = difflib.ndiff(code(before), code(after))
    return [line[0] + line[2:] for line in made if line[0] != "?"]


def diffs(cases: Sequence[tuple[str, str, TrainingWay]]) -> list[dict[str, Any]]:
    """Return what each variant changes: against the one before it, or against the first."""
    found, last = [], TrainingWay()
    sound = next(way for _, name, way in cases if name == "none of them")
    for series, name, way in cases:
        before = {"one after another": last, "alone": TrainingWay(), "mistake": sound}[series]
        found.append({"series": series, "variant": name, "lines": diff(before, way)})
        last = way if series == "one after another" else last
    return found


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say for each device what the table shows."""
    told = []
    for device in dict.fromkeys(row["device"] for row in rows):
        mine = [row for row in rows if row["device"] == device]

        def of(series: str, name: str, mine: Sequence[Mapping[str, Any]] = mine) -> float:
            return median(
                row["speedup"] for row in mine if (row["series"], row["variant"]) == (series, name)
            )

        names = {
            series: list(dict.fromkeys(r["variant"] for r in mine if r["series"] == series))
            for series in ("one after another", "alone")
        }
        last = names["one after another"][-1]
        alone = ", ".join(f"{name} {of('alone', name):.2f}" for name in names["alone"])
        told.append(
            f"On {device} all changes together train {of('one after another', last):.1f} times as "
            f"many images a second; alone: {alone}."
        )
    return " ".join(told)


def other_rows(path: Any, device: str) -> list[dict[str, Any]]:
    """Return the rows that the JSON holds of the other device."""
    if not path.exists():
        return []
    return [row for row in read_json(path)["rows"] if row["device"] != device]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    parser = command.parser(QUESTION, f"runs/{NAME}")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="default cpu")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("There is no GPU that PyTorch can use here; leave --device out.")
    study = command.Study(NAME, QUESTION, options, ("torch",))
    quick, device = options.quick, torch.device(options.device)
    images = cifar_images.load(options.data_dir, "train")[: 64 if quick else 2 * LARGER]
    cases = ways(options.device, compiles=not (options.no_compile or quick))
    if quick:
        cases = [(s, n, replace(way, batch=16)) for s, n, way in cases]
    runs: list[tuple[str, str, TrainingWay, Callable[[int], float]]] = [
        (series, name, way, TimedTraining(way, images, device).seconds)
        for series, name, way in cases
    ]
    rows: list[dict[str, Any]] = []
    for number in range(-1, 1 if quick else ROUNDS):  # the first one warms up, and compiles
        spent = [(s, n, way, seconds(1 if quick else STEPS)) for s, n, way, seconds in runs]
        rates = [way.batch / seconds for _, _, way, seconds in spent]
        for (series, name, way, seconds), rate in zip(spent, rates, strict=True):
            row = {
                "device": options.device,
                "series": series,
                "variant": name,
                "batch": way.batch,
                "round": number,
                "step_ms": 1000 * seconds,
                "images_per_second": rate,
                "speedup": rate / rates[0],
            }
            rows += [row] if number >= 0 else []
    kept = other_rows(options.folder / f"{NAME}.json", options.device)
    rows = sorted(kept + rows, key=lambda row: row["device"])
    return study.conclude(
        rows,
        finding(rows),
        [0],
        diffs=diffs(cases),
        threads=torch.get_num_threads(),
        limits="times of steps alone: what the changes do to the accuracy is not measured here, "
        "and a larger batch needs a learning rate of its own; a round stands where others have a "
        "seed.",
        quick=quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
