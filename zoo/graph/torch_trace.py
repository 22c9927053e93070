"""Tracing for ``nn.Module``: which modules and functions run, on what, and what comes out.

The run happens on a private copy of the module tree that shares all tensors with the original. So
no hook is ever put on a network that somebody else may be using in another thread, and its training
flags stay as they are.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.errors import ZooError
from zoo.graph.layers import INPUT, Call, Source, Trace, TracedLayer, kind

# Functions whose output is their input, for whoever looks at values.
_TRANSPARENT = {"contiguous", "detach", "clone", "to", "float", "requires_grad_", "type_as"}

# edit(number of the layer, its tensor arguments) → the arguments to use instead, or None.
Edit = Callable[[int, list[Tensor]], list[Tensor] | None]
# watch(number of the layer, its output)
Watch = Callable[[int, Tensor], None]


def shared_copy(network: nn.Module) -> nn.Module:
    """Return a copy of the modules, in evaluation mode, that shares every tensor with them."""
    memo: dict[int, Any] = {}
    for module in network.modules():
        for values in (module._parameters, module._buffers, module.__dict__):
            memo |= {id(v): v for v in values.values() if isinstance(v, Tensor)}
    copied = copy.deepcopy(network, memo).eval()
    for module in copied.modules():  # the owner's hooks stay the owner's
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
        module._backward_hooks.clear()
    return copied


def trace_module(network: nn.Module, inputs: np.ndarray, device: str) -> Trace:
    """Trace a module; see :func:`zoo.graph.trace.trace_network`."""
    outputs: dict[int, np.ndarray] = {}

    def keep(number: int, output: Tensor) -> None:
        # A copy: the next layer may work in place.
        outputs[number] = output[0].detach().to("cpu", torch.float32, copy=True).numpy()

    x = torch.from_numpy(inputs).to(device)
    with torch.inference_mode():
        runner = Runner(network)
        answer, recorder = runner(x, watch=keep), runner.recorder
    if id(answer) not in recorder.numbers:
        raise ZooError("The network's answer is no tensor that its layers computed from the input.")
    calls = recorder.calls()
    names = [call.layer.name for call in calls]
    by_name = {names[number]: value for number, value in outputs.items()}
    return Trace(network, inputs[0], calls, by_name, names[recorder.numbers[id(answer)]])


class Runner:
    """Runs a module, on a private copy, any number of times; gradients are the caller's choice."""

    def __init__(self, network: nn.Module) -> None:
        copied = shared_copy(network)
        if not any(True for _ in copied.children()):  # a single layer: give it a network around it
            copied = nn.Sequential(copied)
        self._copied, self.recorder = copied, Recorder(copied)

    def __call__(self, x: Tensor, edit: Edit | None = None, watch: Watch | None = None) -> Tensor:
        """Return the answer; ``recorder`` then tells which layers ran.

        Args:
            x: The module's input, (N, C, H, W).
            edit: Called before each function that joins tensors; see :data:`Edit`.
            watch: Called after each layer.
        """
        self.recorder.begin(x, edit, watch)
        try:
            with self.recorder:
                answer = self._copied(x)
        except _Stop as stop:
            answer = stop.value
        while isinstance(answer, tuple | list) and answer:
            answer = answer[0]
        self.recorder.end(answer)
        return answer

    def until(self, number: int, x: Tensor) -> Tensor:
        """Return the output of one layer, by its number, and compute nothing behind it."""

        def stop(ran: int, value: Tensor) -> None:
            if ran == number:
                raise _Stop(value)

        return self(x, watch=stop)


class _Stop(Exception):
    """Ends a run when what was wanted is there."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value


@dataclass
class _Record:
    name: str
    operation: str
    function: Any
    sources: tuple[int, ...]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    shape: tuple[int, ...]
    parameters: int


class Recorder(TorchFunctionMode):
    """Writes down leaf modules (by hooks on the private copy) and the functions between them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        for name, module in network.named_modules():
            leaf = not any(True for _ in module.children())
            module.register_forward_pre_hook(self._enter(name, leaf))
            module.register_forward_hook(self._leave(name, leaf), with_kwargs=True)

    def begin(self, x: Tensor, edit: Edit | None = None, watch: Watch | None = None) -> None:
        """Forget what ran before; the next run's input is x."""
        self.records: list[_Record] = []
        self.numbers = {id(x): -1}  # tensor → the layer that made it; -1 is the network's input
        self._alive: list[Any] = [x]  # an id is only unique while its object lives
        self._edit, self._watch = edit, watch
        self._path: list[str] = []
        self._leaf = 0

    def end(self, answer: Any) -> None:
        """Let go of every tensor of the run, and remember only which layer made the answer.

        A recorder and its hooks are a ring, which only the garbage collector frees. It counts
        objects, not their size: runs on large batches piled up to gigabytes before it came.
        """
        number = self.numbers.get(id(answer))
        self.numbers = {} if number is None else {id(answer): number}
        self._alive = []
        self._edit = self._watch = None

    def _enter(self, name: str, leaf: bool) -> Any:
        def hook(_module: nn.Module, _inputs: Any) -> None:
            self._path.append(name)
            self._leaf += leaf

        return hook

    def _leave(self, name: str, leaf: bool) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            self._path.pop()
            self._leaf -= leaf
            if leaf and not self._leaf:
                size = sum(p.numel() for p in module.parameters())
                self._record(name, type(module).__name__, module, args, kwargs, output, size)

        return hook

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        if self._leaf:
            return func(*args, **options)
        operation = _name(func)
        if self._edit and operation in ("cat", "concat", "add", "__add__", "__iadd__", "add_"):
            args = self._edited(args)
        output = func(*args, **options)
        if operation in _TRANSPARENT and isinstance(output, Tensor):
            if id(args[0]) in self.numbers:
                self._know(output, self.numbers[id(args[0])])
            return output
        path = self._path[-1] if self._path else ""
        plain = operation.strip("_").replace("getitem", "crop")
        self._record(f"{path}.{plain}".strip("."), operation, func, args, options, output, 0)
        return output

    def _edited(self, args: Any) -> Any:
        """Let the caller exchange the tensors that are joined here."""
        assert self._edit
        tensors = [t for t in _tensors(args) if id(t) in self.numbers]
        changed = self._edit(len(self.records), tensors)
        if changed is None:
            return args
        exchange = {id(old): new for old, new in zip(tensors, changed, strict=True)}
        for old, new in zip(tensors, changed, strict=True):
            self._know(new, self.numbers[id(old)])
        return _map(args, lambda t: exchange.get(id(t), t))

    def _record(
        self,
        name: str,
        operation: str,
        function: Any,
        args: Any,
        kwargs: Any,
        output: Any,
        size: int,
    ) -> None:
        """Write down one call, unless it gives no tensor or takes nothing from the input."""
        made = [t for t in _tensors(output) if t.is_floating_point()]
        sources = tuple(
            self.numbers[id(t)] for t in _tensors((args, kwargs)) if id(t) in self.numbers
        )
        if not made or not sources:
            return

        def stand_in(tensor: Tensor) -> Any:
            number = self.numbers.get(id(tensor))
            return tensor if number is None else _Numbered(number)

        arguments, options = _map(args, stand_in), _map(kwargs, stand_in)
        number = len(self.records)
        first = made[0]
        shape = tuple(first.shape[1:])
        self.records.append(
            _Record(name, operation, function, sources, arguments, options, shape, size)
        )
        for tensor in made:  # several outputs (chunk, split) count as one layer's
            self._know(tensor, number)
        if self._watch:
            self._leaf += 1  # what the watcher does is not the network's
            self._watch(number, first)
            self._leaf -= 1

    def _know(self, tensor: Tensor, number: int) -> None:
        self.numbers[id(tensor)] = number
        self._alive.append(tensor)

    def calls(self) -> list[Call]:
        """Return what ran, every layer under a name of its own."""
        total = Counter(record.name for record in self.records)
        seen: Counter[str] = Counter()
        names: list[str] = []
        for record in self.records:
            seen[record.name] += 1
            repeated = total[record.name] > 1
            names.append(f"{record.name}:{seen[record.name]}" if repeated else record.name)

        def source(value: _Numbered) -> Source:
            return Source(INPUT if value.number < 0 else names[value.number])

        calls = []
        for name, r in zip(names, self.records, strict=True):
            inputs = tuple(source(_Numbered(n)).name for n in r.sources)
            layer = TracedLayer(name, kind(r.operation), r.operation, inputs, r.shape, r.parameters)
            arguments, options = (_map(v, source, _Numbered) for v in (r.arguments, r.options))
            calls.append(Call(layer, r.function, arguments, options))
        return calls


@dataclass(frozen=True)
class _Numbered:
    number: int


def _name(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":  # a property such as Tensor.T
        return str(getattr(function.__self__, "__name__", name))
    return name


def _tensors(value: Any) -> list[Tensor]:
    """Return all tensors in nested tuples, lists and dictionaries."""
    found: list[Tensor] = []
    _map(value, lambda tensor: found.append(tensor))
    return found


def _map(value: Any, change: Callable[[Any], Any], kind: type = Tensor) -> Any:
    """Apply a function to all tensors (or other kind) in nested tuples, lists, dictionaries."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, tuple | list):
        return tuple(_map(v, change, kind) for v in value)
    if isinstance(value, dict):
        return {k: _map(v, change, kind) for k, v in value.items()}
    return value


def apply(call: Call, values: np.ndarray) -> np.ndarray:
    """Run one layer of a trace on other values (without the batch axis)."""
    with torch.inference_mode():
        return _again(call, torch.from_numpy(values)[None])[0].float().cpu().numpy()


def weights_of(call: Call, source: np.ndarray, place: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Return the gradient of one value of a layer, and whether the layer is linear there.

    Args:
        call: A layer with one input.
        source: That input, without the batch axis.
        place: The value's place in the output.
    """
    x = torch.from_numpy(source)[None].double().requires_grad_()
    value = _again(call, x)[(0, *place)]
    (gradient,) = torch.autograd.grad(value, x)
    rest = value - (gradient * x).sum()
    return gradient[0].float().numpy(), bool(rest.abs() <= 1e-6 * (1 + value.abs()))


def _again(call: Call, x: Tensor) -> Tensor:
    arguments, options = (
        _map(v, lambda _: x, Source) for v in (call.arguments, dict(call.options))
    )
    function = call.function
    if isinstance(function, nn.Module):
        function = copy.deepcopy(function).to("cpu", x.dtype).eval()
        if isinstance(getattr(function, "inplace", None), bool):
            setattr(function, "inplace", False)  # noqa: B010, mypy takes it for a tensor
    return function(*arguments, **options)
