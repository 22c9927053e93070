"""Tracing for ``nn.Module``: which modules and functions run, on what, and what comes out.

The run happens on a private copy (:mod:`zoo.graph.modules`). So no hook is ever put on a network
that somebody else may be using in another thread.
"""

from __future__ import annotations

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
from zoo.graph.modules import answer_of, own_settings, private_copy, replaced, tensor, tensors

# Functions whose output is their input, for whoever looks at values.
_TRANSPARENT = {"contiguous", "detach", "clone", "to", "float", "requires_grad_", "type_as"}
_JOINING = ("cat", "concat", "add", "__add__", "__iadd__", "add_")

# edit(number of the layer, its tensor arguments) → the arguments to use instead, or None.
Edit = Callable[[int, list[Tensor]], list[Tensor] | None]
# watch(number of the layer, its output)
Watch = Callable[[int, Tensor], None]


def trace_module(network: nn.Module, inputs: np.ndarray) -> Trace:
    """Trace a module; see :func:`zoo.graph.trace.trace_network`."""
    outputs: dict[int, np.ndarray] = {}

    def keep(number: int, output: Tensor) -> None:
        first = output[0] if output.ndim and len(output) else output
        # A copy: the next layer may work in place.
        outputs[number] = first.detach().to("cpu", torch.float32, copy=True).numpy()

    with own_settings():
        runner = Runner(network)
        answer = runner(tensor(inputs, network), watch=keep)
    calls = runner.recorder.calls()
    names = [call.layer.name for call in calls]
    output = runner.recorder.number_of(answer)
    if output < 0:
        raise ZooError(
            "The network's answer is no tensor that its layers computed from the input; the last "
            f"layer that could be followed is {names[-1] if names else 'the input'}."
        )
    by_name = {names[number]: value for number, value in outputs.items()}
    return Trace(network, inputs[0].copy(), calls, by_name, names[output])


class Runner:
    """Runs a module, on a private copy, any number of times; gradients are the caller's choice."""

    def __init__(self, network: nn.Module) -> None:
        copied = private_copy(network, share=True)
        if not any(True for _ in copied.children()):  # a single layer: give it a network around it
            copied = nn.Sequential(copied)
        self._copied, self.recorder = copied, Recorder(copied)

    def __call__(self, x: Tensor, edit: Edit | None = None, watch: Watch | None = None) -> Tensor:
        """Return the answer; ``recorder`` then tells which layers ran.

        Args:
            x: The module's input, (N, C, H, W).
            edit: Called before each function that joins tensors; see :data:`Edit`.
            watch: Called after each layer.

        Raises:
            ZooError: The network fails on this input; the message says in which layer. Or its
                answer holds no tensor.
        """
        x = x.clone()  # a network may work in place
        self.recorder.begin(x, edit, watch)
        answer: Any = None
        try:
            with self.recorder:
                answer = self._copied(x)
            answer = answer_of(answer)
        except _Stop as stop:
            answer = stop.value
        except ZooError:
            raise
        except Exception as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            where = self.recorder.where or "the network"
            shape = tuple(x.shape[1:])
            raise ZooError(f"{where} cannot work on an input of {shape}: {reason}") from error
        finally:
            self.recorder.end(answer)
        return answer

    def until(self, number: int, x: Tensor) -> Tensor:
        """Return the output of one layer, by its number, and compute nothing behind it."""

        def stop(ran: int, value: Tensor) -> None:
            if ran == number:
                raise _Stop(value)

        return self(x, watch=stop)


class _Stop(BaseException):  # no Exception: networks may catch those
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
    part: int
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
        self._numbers = {id(x): -1}  # tensor → the layer that made it; -1 is the network's input
        self._alive: list[Any] = [x]  # an id is only unique while its object lives
        self._edit, self._watch = edit, watch
        self._path: list[str] = []
        self._leaf = 0

    @property
    def where(self) -> str:
        """The module that is running, or that a run ended in."""
        return self._path[-1] if self._path else ""

    def number_of(self, tensor: Tensor) -> int:
        """Return which layer made a tensor; −1 for none."""
        return self._numbers.get(id(tensor), -1)

    def end(self, answer: Any) -> None:
        """Let go of every tensor of the run, and remember only which layer made the answer.

        A recorder and its hooks are a ring, which only the garbage collector frees. It counts
        objects, not their size: runs on large batches piled up to gigabytes before it came.
        """
        number = self._numbers.get(id(answer))
        self._numbers = {} if number is None else {id(answer): number}
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
        if self._edit and operation in _JOINING:
            args = self._edited(args)
        output = func(*args, **options)
        if operation in _TRANSPARENT and isinstance(output, Tensor):
            if id(args[0]) in self._numbers:
                self._know(output, self._numbers[id(args[0])])
            return output
        plain = operation.strip("_").replace("getitem", "crop")
        self._record(f"{self.where}.{plain}".strip("."), operation, func, args, options, output, 0)
        return output

    def _edited(self, args: Any) -> Any:
        """Let the caller exchange the tensors that are joined here."""
        assert self._edit
        joined = [t for t in tensors(args) if id(t) in self._numbers]
        changed = self._edit(len(self.records), joined)
        if changed is None:
            return args
        exchange = {id(old): new for old, new in zip(joined, changed, strict=True)}
        for old, new in zip(joined, changed, strict=True):
            self._know(new, self._numbers[id(old)])
        return replaced(args, lambda t: exchange.get(id(t), t))

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
        """Write down one call, unless it gives no tensor or takes nothing from the input.

        One that gives several tensors (``chunk``, an LSTM) is written down once for each.
        """
        made = [t for t in tensors(output) if t.is_floating_point()]
        sources = tuple(
            self._numbers[id(t)] for t in tensors((args, kwargs)) if id(t) in self._numbers
        )
        if not made or not sources:
            return

        def stand_in(tensor: Tensor) -> Any:
            number = self._numbers.get(id(tensor))
            return tensor if number is None else _Numbered(number)

        arguments, options = replaced(args, stand_in), replaced(kwargs, stand_in)
        for part, value in enumerate(made):
            shape = tuple(value.shape[1:])
            record = _Record(
                name, operation, function, sources, arguments, options, part, shape, size
            )
            self.records.append(record)
            self._know(value, len(self.records) - 1)
            if self._watch:
                self._leaf += 1  # what the watcher does is not the network's
                self._watch(len(self.records) - 1, value)
                self._leaf -= 1
            size = 0  # learned once

    def _know(self, tensor: Tensor, number: int) -> None:
        self._numbers[id(tensor)] = number
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
            arguments, options = (replaced(v, source, _Numbered) for v in (r.arguments, r.options))
            calls.append(Call(layer, r.function, arguments, options, r.part))
        return calls


@dataclass(frozen=True)
class _Numbered:
    number: int


def _name(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":  # a property such as Tensor.T
        return str(getattr(function.__self__, "__name__", name))
    return name
