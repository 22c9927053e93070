"""The loading benchmark: every way gives the same batches, and the table says what was timed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from tests.training.tiny_images import CPU, TINY, make_images
from training.benchmarks import image_loading as benchmark
from training.data.image_batches import Batch, Plan, batches


def made(plan: Plan, workers: int | None) -> Iterator[Batch]:
    if workers is None:
        return batches(plan, 1, 0, CPU.processes)
    return benchmark.from_workers(plan, 1, CPU.processes, workers)


def test_every_way_gives_the_same_batches() -> None:
    examples = make_images(60)
    images, labels = torch.from_numpy(examples.images), torch.from_numpy(examples.labels)
    plan = Plan(images, labels, TINY.augmentation, 20, seed=0)
    first, *others = [list(made(plan, workers)) for workers in (None, 0, 1)]
    assert len(first) == 3
    for other in others:
        for (a, b), (c, d) in zip(first, other, strict=True):
            torch.testing.assert_close(a, c, rtol=0, atol=0)
            torch.testing.assert_close(b, d, rtol=0, atol=0)
            assert c.is_contiguous(memory_format=torch.channels_last)


def test_each_way_is_timed_without_and_with_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WAYS", {"in memory": None, "DataLoader, no worker": 0})
    monkeypatch.setattr(benchmark, "ROUNDS", 1)
    recipe = replace(TINY, keep_ratio=1.0, batch=20)
    rows = benchmark.measure(recipe, make_images(40), CPU)
    assert [row["way"] for row in rows] == list(benchmark.WAYS)
    assert all(0 < row["batch_seconds"] < row["step_seconds"] for row in rows)


def test_the_finding_compares_with_memory() -> None:
    times = [(0.01, 1.0), (0.2, 1.5), (0.2, 1.25), (0.1, 1.2)]
    rows = [{"batch_seconds": batch, "step_seconds": step} for batch, step in times]
    said = benchmark.finding(rows, 1000)
    for part in (
        "1,000 takes 10 ms in memory",
        "20 times as long",
        "1.50 times",
        "1.20 times with",
    ):
        assert part in said
