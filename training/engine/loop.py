"""The training loop of every recipe: epochs, steps, checkpoints, resume, progress, divergence.

A recipe gives a `Learner`: what an epoch shows, how a step goes, what is measured. It may learn
with torch or without. What is random in a step must depend on the seed and the step alone, or on
what the learner's state holds: then a run that was killed and resumed ends with the same weights,
bit for bit, on the same machine. On another one, or with another number of threads, it goes on too,
and ends with weights that differ by rounding; the record says so.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from training.engine.checkpoint import CHECKPOINT, restore, save_checkpoint
from training.engine.failures import diverged
from training.engine.provenance import git_commit
from training.engine.recipe_json import plain
from training.engine.run_folder import check_space

CHECKPOINT_SECONDS = 180.0  # at most this long between checkpoints, plus a few steps
CHECK_EVERY = 5  # steps between looks at the loss: each makes a GPU wait


class Learner(Protocol):
    """What a recipe brings to the loop."""

    @property
    def epochs(self) -> int:
        """Return how many epochs the run has."""

    @property
    def steps(self) -> int:
        """Return how many steps an epoch has."""

    @property
    def metrics(self) -> Sequence[str]:
        """Return the names of what a step tells about itself, ``"loss"`` among them."""

    def totals(self, values: list[float]) -> Any:
        """Return numbers as the vector that `learn` returns, which can be added to one."""

    def batches(self, epoch: int, first: int) -> Iterable[Any]:
        """Yield an epoch's batches from number ``first``; epochs and batches count from 0."""

    def learn(self, batch: Any, step: int) -> Any:
        """Take step number ``step`` of the run.

        Returns:
            A vector: for each metric its sum over the batch's images, and the number of images;
            the same in every process.
        """

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, for the record."""

    def measure(self) -> dict[str, float] | None:
        """Return metrics of the validation images, None if there are none."""

    def is_finite(self) -> bool:
        """Return whether all weights are numbers."""

    def state(self) -> dict[str, dict[str, Any]]:
        """Return copies of everything that changes, in named groups of arrays."""

    def load_state(self, state: dict[str, dict[str, Any]]) -> None:
        """Take back what `state` returned."""


def begin(recipe: Any, identity: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Return the progress of a run that begins: what a checkpoint tells beside the weights.

    Args:
        recipe: a dataclass with a default for every setting.
        identity: seed and data, as JSON; a checkpoint with another one, or another recipe, is
            refused.
        record: what the run's record begins with: its provenance, and ``compute``.
    """
    return {
        "identity": {"recipe": plain(recipe)} | identity,
        "defaults": {"recipe": plain(type(recipe)())},
        "record": record,
        "history": [],
    }


def train(
    learner: Learner,
    progress: dict[str, Any],
    out: Path,
    *,
    resume: bool = False,
    quiet: bool = False,
    is_main: bool = True,
) -> dict[str, Any]:
    """Go through all epochs that are left, and return the progress of the finished run.

    A checkpoint is written after every epoch, and in between every few minutes.

    Args:
        learner: what learns; it ends with the weights after the last step.
        progress: as `begin` returns it.
        out: the run's folder.
        resume: go on from the checkpoint in ``out``, if there is one.
        quiet: print nothing.
        is_main: whether this process writes the files and speaks to the user.

    Returns:
        ``identity``, ``record``, ``history`` (a row for each epoch) and, if the run was resumed,
        ``resumed``: by which commit, and how that computed.

    Raises:
        TrainingError: if ``out`` holds another run or a damaged checkpoint, cannot be written, or
            the loss diverges; the last checkpoint is kept.
    """
    loop = _Loop(learner, progress, out / CHECKPOINT, quiet or not is_main, is_main)
    loop.restore(resume)
    if is_main:
        check_space(out, learner.state())
    while loop.step < learner.epochs * learner.steps:
        loop.go_through_epoch()
    return loop.progress


class _Loop:
    """A run between two steps."""

    def __init__(
        self,
        learner: Learner,
        progress: dict[str, Any],
        checkpoint: Path,
        quiet: bool,
        is_main: bool,
    ) -> None:
        self.learner, self.progress, self.checkpoint = learner, progress, checkpoint
        self.quiet, self.is_main = quiet, is_main
        self.step = 0
        self.partial: dict[str, Any] = {}  # totals and seconds of the epoch so far
        self.saved = time.monotonic()

    def restore(self, resume: bool) -> None:
        """Go on from the checkpoint, or make sure that there is none."""
        identity, defaults = self.progress["identity"], self.progress["defaults"]
        found = restore(self.checkpoint, identity, defaults, resume)
        if found is None:
            return
        groups, progress = found
        self.learner.load_state(groups)
        compute = {k: v for k, v in self.progress["record"].items() if k == "compute"}
        if progress["step"] < self.learner.epochs * self.learner.steps:  # more than its result
            progress.setdefault("resumed", []).append({"git_commit": git_commit()} | compute)
        progress["identity"] = identity  # perhaps with settings that the checkpoint is older than
        self.progress, self.step, self.partial = progress, progress["step"], progress["partial"]

    def save(self) -> None:
        """Write a checkpoint, unless the weights are no longer numbers."""
        if not self.learner.is_finite():
            raise diverged("weights", math.nan, len(self.progress["history"]) + 1)
        if self.is_main:
            self.progress |= {"step": self.step, "partial": self.partial}
            save_checkpoint(self.checkpoint, self.learner.state(), self.progress)
        self.saved = time.monotonic()

    def go_through_epoch(self) -> None:
        """Go through the epoch, or what is left of it; note its metrics; write a checkpoint."""
        learner = self.learner
        epoch, first = divmod(self.step, learner.steps)
        start = time.perf_counter() - self.partial.get("seconds", 0.0)
        nothing = [0.0] * (len(learner.metrics) + 1)
        totals = learner.totals(self.partial.get("totals", nothing))
        with tqdm(
            total=learner.epochs * learner.steps, initial=self.step, leave=False, unit="step",
            desc=f"epoch {epoch + 1}/{learner.epochs}", disable=self.quiet or None,
        ) as bar:  # fmt: skip
            for batch in learner.batches(epoch, first):
                totals = totals + learner.learn(batch, self.step)
                self.step += 1
                bar.update()
                if self.step % CHECK_EVERY == 0:
                    means = self._means(totals)
                    bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()})
                    # After an epoch's last step its row is still to come, and is saved with it.
                    due = time.monotonic() - self.saved > CHECKPOINT_SECONDS
                    if due and self.step % learner.steps:
                        seconds = time.perf_counter() - start
                        self.partial = {"totals": totals.tolist(), "seconds": seconds}
                        self.save()
        self._end_epoch(epoch, self._means(totals), time.perf_counter() - start)

    def _means(self, totals: Any) -> dict[str, float]:
        """Return the epoch's metrics so far; the loss must be a number."""
        *sums, count = totals.tolist()
        means = {n: s / count for n, s in zip(self.learner.metrics, sums, strict=True)}
        if not math.isfinite(means["loss"]):
            raise diverged("loss", means["loss"], len(self.progress["history"]) + 1)
        return means

    def _end_epoch(self, epoch: int, means: dict[str, float], seconds: float) -> None:
        rate = self.learner.rate(self.step - 1)
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": rate}
        row |= {"seconds": round(seconds, 2), "train": means}
        if (validation := self.learner.measure()) is not None:
            row["validation"] = validation
        self.progress["history"].append(row)
        self.partial = {}
        self.save()
        if not self.quiet:
            print(describe_epoch(row, self.learner.epochs), flush=True)


def describe_epoch(row: dict[str, Any], epochs: int) -> str:
    """Return an epoch's line in the log: losses as numbers, all else in per cent."""

    def told(metrics: dict[str, float]) -> str:
        numbers = {k: f"{v:.4f}" if k == "loss" else f"{v:.2%}" for k, v in metrics.items()}
        return "".join(f"{k.replace('_', ' ')} {v}  " for k, v in numbers.items())

    text = f"epoch {row['epoch']:3d}/{epochs}  {told(row['train'])}"
    if "validation" in row:
        text += f"| validation: {told(row['validation'])}"
    return f"{text}| {row['seconds']:.1f} s"
