"""A torch network's structure: built once a process, and filled whenever weights are loaded.

To build the modules of a network of a hundred layers takes tens of milliseconds, several times as
long as reading and hashing its weights. Nothing of that depends on the weights, so it is kept.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

_PLAIN = (int, float, str, bool, type(None))
_CONTAINERS = (dict, OrderedDict, set, list)


class Scaffold:
    """A network without weights, and what is known of all networks that are made of it.

    Args:
        network: An ``nn.Module`` on the meta device; nobody else may change it.

    Attributes:
        state: The network's own state, tensors without numbers, by name.
        answers: Shapes of answers by those of inputs, as far as they were looked at.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network.eval()
        self._modules = [*network.named_modules()]
        self.state: Mapping[str, Tensor] = network.state_dict()
        self.answers: dict[tuple[int, ...], tuple[int, ...]] = {}

    def filled(self, state: Mapping[str, Tensor]) -> Any:
        """Return a network of this structure in evaluation mode, whose tensors are those given.

        As ``load_state_dict(state, assign=True)`` would give it, and nothing of it is shared with
        any other network.

        Args:
            state: Tensors of the shapes and dtypes of :attr:`state`, all of them.
        """
        memo: dict[int, Any] = {}  # what takes the place of what, by id, as copy.deepcopy has it
        for path, module in self._modules:
            memo[id(module)] = module.__new__(type(module))
            prefix = f"{path}." if path else ""
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    tensor = state[prefix + name]
                    memo[id(parameter)] = nn.Parameter(tensor, parameter.requires_grad)
            for name, buffer in module._buffers.items():
                if buffer is not None:  # one that is not persistent has no numbers in any file
                    memo[id(buffer)] = state.get(prefix + name, buffer)
        for _, module in self._modules:
            vars(memo[id(module)]).update(
                {name: _own(value, memo) for name, value in vars(module).items()}
            )
        return memo[id(self._network)]


def _own(value: Any, memo: dict[int, Any]) -> Any:
    """Return a copy of an attribute of a module; most are numbers, and hooks that nobody has."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in _CONTAINERS and not value:
        return kind()
    return copy.deepcopy(value, memo)
