"""Several processes that train one network, started by ``torchrun``: data parallelism.

Every process holds a copy of the network and a part of each batch; after the backward pass the
gradients are averaged, so that all copies take the same step (Li et al. 2020, "PyTorch
Distributed", section 3). All that is averaged goes in one message: these networks are small, and
overlapping the messages with the backward pass, as ``DistributedDataParallel`` does, would gain
little and forbid switching a parameter's gradient off in the middle of a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from training.engine.failures import TrainingError


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: its number, from 0.
        count: how many there are; 1 without ``torchrun``.
        device: where it computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and speaks to the user."""
        return self.rank == 0

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each float32 tensor by its mean over the processes, in place."""
        if self.count == 1 or not tensors:
            return
        with torch.no_grad():
            message = torch.cat([tensor.reshape(-1) for tensor in tensors])
            dist.all_reduce(message)
            parts = (message / self.count).split([tensor.numel() for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))

    def barrier(self) -> None:
        """Return when every process is here."""
        if self.count > 1:
            dist.barrier()


def start(device: str = "auto") -> Processes:
    """Join the other processes if ``torchrun`` started this one, and choose the device.

    Args:
        device: ``"auto"`` (cuda, then mps, then cpu) or a name that torch knows. Under
            ``torchrun``, ``"cuda"`` is the GPU of the process's own number.

    Raises:
        TrainingError: if there is no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if torch.backends.mps.is_available():
            device = "mps"
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError):
        raise TrainingError(
            f"This machine has no device {device!r}; use --device auto, cpu, cuda or mps."
        ) from None
    if "WORLD_SIZE" not in os.environ:
        return Processes(0, 1, chosen)
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(minutes=10))
    return Processes(rank, count, chosen)


@contextmanager
def joined(device: str = "auto") -> Iterator[Processes]:
    """Be one of the processes that train together while the block runs; see `start`."""
    processes = start(device)
    try:
        yield processes
    finally:
        stop()


def stop() -> None:
    """Leave the group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
