"""A torch network that learns: weights, optimizers, perhaps a moving average; one step; its state.

A recipe says what the loss is and which learning rates a step has; the rest is here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from training.engine.checkpoint import as_array
from training.engine.distributed import Processes
from training.engine.moving_average import MovingAverage

N = TypeVar("N", bound=nn.Module)
State = dict[str, dict[str, NDArray]]  # named groups of arrays, as a checkpoint holds them


class Student(Generic[N]):
    """A network with its optimizers.

    Attributes:
        network: what learns, on its device.
        optimizers: by name; each parameter belongs to one of them at most.
        processes: this one and those that learn the same network.
        average: the moving average of the weights, None without ``averaging``.
    """

    def __init__(
        self,
        network: N,
        optimizers: Mapping[str, Optimizer],
        processes: Processes,
        averaging: float = 0.0,
    ) -> None:
        """Args:
        averaging: what the moving average keeps of itself at a step; 0 for no average.
        """
        self.network: N = network
        self.optimizers, self.processes = dict(optimizers), processes
        self.average: MovingAverage[N] | None = None
        if averaging:
            self.average = MovingAverage(network, averaging)

    @property
    def result(self) -> N:
        """The network that is measured, and that the run gives: the average, if there is one."""
        return self.average.network if self.average else self.network

    def descend(self, loss: Tensor, step: int, totals: Tensor | None = None) -> Tensor | None:
        """Take one step down a loss.

        All that the processes average goes in one message: gradients, BatchNorm's statistics, and
        what the step tells about itself.

        Args:
            loss: a number with a graph; each process brings that of its own part of the batch.
            step: its number in the run, from 0.
            totals: float32, what the step adds to the epoch's totals; averaged in place.

        Returns:
            ``totals``, the same in every process.
        """
        loss.backward()
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        statistics = [b for b in self.network.buffers() if b.is_floating_point()]
        told = [] if totals is None else [totals]
        self.processes.average([*gradients, *statistics, *told])
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.network.zero_grad(set_to_none=True)
        if self.average:
            self.average.update(self.network, step)
        return totals

    def is_finite(self) -> bool:
        """Return whether all weights are numbers."""
        return all(bool(torch.isfinite(p).all()) for p in self.network.parameters())

    def state(self) -> State:
        """Return copies of everything that changes."""
        groups = {"network": dict(self.network.state_dict())}
        if self.average:
            groups["average"] = dict(self.average.network.state_dict())
        for name, optimizer in self.optimizers.items():
            groups[name] = {
                f"{number}.{key}": value
                for number, parameter in enumerate(_parameters(optimizer))
                for key, value in optimizer.state.get(parameter, {}).items()
                if isinstance(value, Tensor)
            }
        return {name: {k: as_array(v) for k, v in group.items()} for name, group in groups.items()}

    def load_state(self, state: State) -> None:
        """Take back what `state` returned."""
        networks: dict[str, nn.Module] = {"network": self.network}
        if self.average:
            networks["average"] = self.average.network
        for name, network in networks.items():
            network.load_state_dict({k: torch.from_numpy(v) for k, v in state[name].items()})
        for name, optimizer in self.optimizers.items():
            parameters = _parameters(optimizer)
            for place, array in state.get(name, {}).items():
                number, key = place.split(".", 1)
                parameter, value = parameters[int(number)], torch.from_numpy(array)
                if value.shape == parameter.shape:  # laid out in memory as it was
                    value = torch.empty_like(parameter).copy_(value).detach()
                optimizer.state[parameter][key] = value

    def restart_average(self) -> None:
        """Begin the moving average again from the network's weights, which were exchanged."""
        if self.average:
            self.average.restart(self.network)


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
