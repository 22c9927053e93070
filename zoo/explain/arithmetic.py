"""The arithmetic behind one number of a network: patch, kernel, products, sum, and what follows.

:func:`arithmetic` goes back from a value to the weighted sum that it comes from and returns each
step with the numbers in it. Every step computes its ``value`` itself, in float64, from what went
in; the network's own float32 value is in ``found``. Tests hold the two together to 1e-5.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.operations import (
    Activation,
    Copy,
    Maximum,
    Normalization,
    Operation,
    Place,
    Scaling,
    Softmax,
    Sum,
    WeightedSum,
)
from zoo.explain.receptive_field import crop, padded
from zoo.functions import softmax
from zoo.graph.geometry import Window, arguments, check_position, window
from zoo.graph.layers import INPUT, Call, Source, Trace, TracedLayer

# Of the terms' size: what a float32 network may differ by from the same in float64. One of another
# kind than what is known here (LayerNorm over channels, say) differs by more.
_TOLERANCE = 1e-3

# What every step begins with: layer, kind, place, source, and the network's own value.
Head = tuple[str, str, Place, str, float]


def arithmetic(
    run: Trace, layer: str, channel: int, row: int = 0, column: int = 0
) -> tuple[Operation, ...]:
    """Return the steps from a weighted sum to one value of a layer, in order of computation.

    For the output of a ReLU behind BatchNorm behind a convolution that is: the convolution's
    products and sum, BatchNorm's numbers, and the ReLU.

    Args:
        run: From :func:`zoo.explain.trace`.
        layer: A layer's name.
        channel: The map, or the feature of a layer without maps.
        row, column: The position in the map. Of a layer with tokens (T, features), ``channel`` is
            the token and ``row`` the feature.

    Raises:
        ZooError: There is no such layer or position, or a layer on the way does something that is
            not known here; the message names it.

    Example:
        >>> import zoo
        >>> from zoo.samples import samples
        >>> model = zoo.load("mnist", source="bundle", device="cpu")
        >>> run = zoo.explain.trace(model, samples("digits")[7].path)
        >>> [step.kind for step in arithmetic(run, "relu1", channel=3, row=4, column=5)]
        ['convolution', 'max pooling', 'batch norm', 'activation']
    """
    place: Place | None = _place(run.layer(layer), channel, row, column)
    steps: list[Operation] = []
    name = layer
    while place is not None and name != INPUT:
        step, name, place = _checked(run, run.calls[name], place)
        steps.append(step)
    return tuple(reversed(steps))


def _place(layer: TracedLayer, channel: int, row: int, column: int) -> Place:
    """Return the place of a value, with as many numbers as the layer's output has axes.

    Raises:
        ZooError: It has no such place, or more axes than three.
    """
    shape = layer.shape
    check_position(layer.name, shape, row, column)
    if not 1 <= len(shape) <= 3:
        raise ZooError(f"{layer.name} answers with the shape {shape}, of which no value is named.")
    if not 0 <= channel < shape[0]:
        raise ZooError(f"{layer.name} has the channels 0 to {shape[0] - 1}, not {channel}.")
    if len(shape) == 2 and not 0 <= row < shape[1]:
        raise ZooError(f"{layer.name} has the columns 0 to {shape[1] - 1}, not {row}.")
    return (channel, row, column)[: len(shape)]


def softmax_step(run: Trace, index: int) -> Softmax:
    """Return how the network's answer becomes the probability of a class.

    Args:
        run: A classifier's trace: its answer is (K,) logits.
        index: The class.
    """
    logits = run[run.output]
    if logits.ndim != 1 or not 0 <= index < len(logits):
        raise ZooError(f"The answer has the shape {logits.shape} and no class {index}.")
    found = float(softmax(logits)[index])
    return Softmax("softmax", "softmax", (index,), run.output, found, logits, index)


def _checked(run: Trace, call: Call, place: Place) -> tuple[Operation, str, Place | None]:
    """Return one step, and from which layer and place to go on; None ends the way back.

    Raises:
        ZooError: The layer does something else than what is known here: its own value differs.
    """
    unknown = ZooError(
        f"The arithmetic of {call.layer.name} ({call.layer.operation}) is not known here."
    )
    try:
        step, source, origin = _step(run, call, place)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise unknown from error  # somebody's own way of calling, or axes in another order
    terms = np.abs(step.products).sum() if isinstance(step, WeightedSum) else abs(step.found)
    if not abs(step.value - step.found) <= _TOLERANCE * (1 + float(terms)):
        raise unknown
    return step, source, origin


def _step(run: Trace, call: Call, place: Place) -> tuple[Operation, str, Place | None]:
    kind, source = call.layer.kind, call.layer.inputs[0]
    head: Head = (call.layer.name, kind, place, source, float(run[call.layer.name][place]))
    is_map = len(place) == 3 and run[source].ndim == 3
    match kind:
        case "convolution" if is_map:
            return _convolution(run, call, place, head), source, None
        case "linear":
            return _linear(run, call, place, head), source, None
        case "batch norm":
            return _batch_norm(run, call, place, head), source, place
        case "group norm":
            return _group_norm(run, call, place, head), source, place
        case "layer norm":
            return _layer_norm(run, call, place, head), source, place
        case "activation":
            return _activation(run, call, place, head), source, place
        case "max pooling" if is_map:
            step = _maximum(run, call, place, head)
            return step, source, (place[0], *step.winner)
        case "addition" if len(call.arguments) == 2:
            terms = tuple(_term(run, term, place) for term in call.arguments)
            sources = (t.name if isinstance(t, Source) else "a constant" for t in call.arguments)
            return Sum(*head, terms, tuple(sources)), source, None
        case "scaling" if len(call.arguments) == 2:
            return _scaling(run, call, place, head)
        case "dropout" | "identity":
            return Copy(*head, float(run[source][place]), place), source, place
        case "flatten":
            origin = _unflattened(run[source].shape, call.layer.shape, place)
            return Copy(*head, float(run[source][origin]), origin), source, origin
        case "concatenation":
            return _joined(run, call, place, head)
        case "cropping" | "space to depth" | "depth to space" | "padding" if is_map:
            moved = _moved(run, call, place)
            x = 0.0 if moved is None else float(run[source][moved])
            return Copy(*head, x, moved), source, moved
    return _mixture(run, call, place, head), source, None


def _unflattened(before: tuple[int, ...], after: tuple[int, ...], place: Place) -> Place:
    """Return where a value stood before an array was reshaped, row by row."""
    if math.prod(before) != math.prod(after):  # images and positions were put together
        raise ValueError(before, after)
    return tuple(int(i) for i in np.unravel_index(np.ravel_multi_index(place, after), before))


def _convolution(run: Trace, call: Call, place: Place, head: Head) -> WeightedSum:
    sees, source = window(call), run[call.layer.inputs[0]]
    assert sees.weight is not None
    per_group = sees.weight.shape[1]
    group = place[0] // (len(sees.weight) // sees.groups)
    rows, columns = _positions(sees, place, source.shape)
    channels = slice(group * per_group, (group + 1) * per_group)
    patch = source[channels][:, rows][:, :, columns].copy()
    patch[:, rows < 0] = 0
    patch[:, :, columns < 0] = 0
    bias = 0.0 if sees.bias is None else float(sees.bias[place[0]])
    return WeightedSum(*head, patch, sees.weight[place[0]], bias, rows, columns, group * per_group)


def _positions(sees: Window, place: Place, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (
        sees.unpadded(sees.positions(axis, place[1 + axis]), shape[1 + axis]) for axis in (0, 1)
    )
    return rows, columns


def _linear(run: Trace, call: Call, place: Place, head: Head) -> WeightedSum:
    """Explain a linear layer, of features or of the last axis of tokens.

    Flattened maps are shown as the maps that they were.
    """
    source, parameters = call.layer.inputs[0], _parameters(call)
    bias = parameters.get("bias")
    shift = 0.0 if bias is None else float(bias[place[-1]])
    weights = parameters["weight"][place[-1]]
    layer, kind, at, _, found = head
    if len(place) > 1:
        return WeightedSum(layer, kind, at, source, found, run[source][place[:-1]], weights, shift)
    if source != INPUT and run.layer(source).kind == "flatten":
        before = run.layer(source).inputs[0]
        if run[before].ndim == 3 and run[before].size == weights.size:
            source = before
    inputs = run[source]
    rows, columns = (np.arange(side) for side in (*inputs.shape[1:], 0, 0)[:2])
    weights = weights.reshape(inputs.shape)
    return WeightedSum(layer, kind, at, source, found, inputs, weights, shift, rows, columns)


def _batch_norm(run: Trace, call: Call, place: Place, head: Head) -> Normalization:
    values, channel = run[call.layer.inputs[0]], place[0]
    own = _parameters(call)
    if own.get("running_mean") is None:  # no running statistics: those of this one image
        mean, variance = float(values[channel].mean()), float(values[channel].var())
    else:
        mean, variance = float(own["running_mean"][channel]), float(own["running_var"][channel])
    return _normalization(
        head, float(values[place]), mean, variance, call.function.eps, own, channel
    )


def _group_norm(run: Trace, call: Call, place: Place, head: Head) -> Normalization:
    """Wu & He 2018: statistics of one image over a group of channels."""
    values, channel = run[call.layer.inputs[0]], place[0]
    size = len(values) // call.function.num_groups
    first = channel // size * size
    group = values[first : first + size].astype(np.float64)
    eps = call.function.eps
    own = _parameters(call)
    x = float(values[place])
    return _normalization(head, x, float(group.mean()), float(group.var()), eps, own, channel)


def _layer_norm(run: Trace, call: Call, place: Place, head: Head) -> Normalization:
    """Ba, Kiros & Hinton 2016: statistics of one image, or token, over the last axes."""
    values, own = run[call.layer.inputs[0]], _parameters(call)
    axes = len(call.function.normalized_shape)
    group = values[place[: len(place) - axes]].astype(np.float64)
    x, at = float(values[place]), place[len(place) - axes :]
    mean, variance = float(group.mean()), float(group.var())
    return _normalization(head, x, mean, variance, call.function.eps, own, at)


def _normalization(
    head: Head, x: float, mean: float, variance: float, eps: float, own: Any, at: int | Place
) -> Normalization:
    gamma, beta = own.get("weight"), own.get("bias")
    return Normalization(
        *head,
        x,
        mean,
        variance,
        float(eps),
        1.0 if gamma is None else float(gamma[at]),
        0.0 if beta is None else float(beta[at]),
    )


def _activation(run: Trace, call: Call, place: Place, head: Head) -> Activation:
    """Apply the function to the one number, or to its channel where channels differ (PReLU)."""
    source = run[call.layer.inputs[0]]
    x = source[place]
    if call.layer.operation == "ReLU":
        return Activation(*head, float(x), "ReLU", max(float(x), 0.0))
    from zoo.graph.replay import apply

    if len(place) == 3:
        answer = apply(call, source[:, place[1], place[2]].reshape(-1, 1, 1))[place[0], 0, 0]
    else:
        answer = apply(call, source)[place]
    return Activation(*head, float(x), call.layer.operation, float(answer))


def _maximum(run: Trace, call: Call, place: Place, head: Head) -> Maximum:
    source = run[call.layer.inputs[0]]
    if "adaptive" in call.layer.operation.lower():
        spans = [
            (i * side // out, -(-(i + 1) * side // out))
            for i, side, out in zip(place[1:], source.shape[1:], call.layer.shape[1:], strict=True)
        ]
        rows, columns = (np.arange(first, last) for first, last in spans)
    else:
        rows, columns = _positions(window(call), place, source.shape)
    values = source[place[0]][rows][:, columns].astype(np.float64)
    values[rows < 0] = -np.inf
    values[:, columns < 0] = -np.inf
    r, c = np.unravel_index(values.argmax(), values.shape)
    return Maximum(*head, values, (int(rows[r]), int(columns[c])), rows, columns)


def _term(run: Trace, term: Any, place: Place) -> float:
    """Return one term of a sum or product: of a layer's output, a constant tensor, or a number."""
    if isinstance(term, Source):
        return _broadcast(run[term.name], place)
    if hasattr(term, "detach"):
        values = term.detach().float().cpu().numpy()
        return _broadcast(values[0] if values.ndim > len(place) else values, place)
    return float(term)


def _broadcast(values: np.ndarray, place: Place) -> float:
    """Return a value of an array that may lack the first axes or have sides of 1."""
    index = place[len(place) - values.ndim :]
    sides = zip(index, values.shape, strict=True)
    return float(values[tuple(0 if side == 1 else i for i, side in sides)])


def _scaling(
    run: Trace, call: Call, place: Place, head: Head
) -> tuple[Operation, str, Place | None]:
    """Explain x · factor or x / factor; a factor may be a constant or another layer's output.

    The main path is the larger input's: in squeeze-and-excitation the maps, not their gate.
    """
    first, second = call.arguments
    divides = "div" in call.layer.operation
    sizes = [run[term.name].size if isinstance(term, Source) else 0 for term in (first, second)]
    if sizes[1] > sizes[0]:
        if divides:
            raise ValueError(sizes)
        first, second = second, first
    factor = _term(run, second, place)
    x = _term(run, first, place)
    layer, kind, at, _, found = head
    step = Scaling(layer, kind, at, first.name, found, x, 1 / factor if divides else factor)
    whole = run[first.name].shape == call.layer.shape
    return step, first.name, place if whole else None


def _joined(
    run: Trace, call: Call, place: Place, head: Head
) -> tuple[Operation, str, Place | None]:
    """Explain a concatenation: which of its inputs a value came from, and its place there."""
    given = arguments(call, ("tensors", "dim"))
    dimension = given.get("dim", 0)
    axis = (dimension if dimension >= 0 else dimension + len(place) + 1) - 1
    if axis < 0:
        raise ZooError(f"{call.layer.name} joins images, not channels.")
    offset = place[axis]
    layer, kind, at, source, found = head
    for part in given["tensors"]:
        values = run[part.name] if isinstance(part, Source) else part.detach().cpu().numpy()[0]
        if offset >= values.shape[axis]:
            offset -= values.shape[axis]
            continue
        origin = (*place[:axis], offset, *place[axis + 1 :])
        x = float(values[origin])
        if isinstance(part, Source):
            return Copy(layer, kind, at, part.name, found, x, origin), part.name, origin
        return Copy(*head, x, None), source, None  # learned, and not computed from the image
    raise ValueError(place)


def _moved(run: Trace, call: Call, place: Place) -> Place | None:
    """Return where a value stood before it was moved, None for padding."""
    channel, row, column = place
    shape = run[call.layer.inputs[0]].shape
    if call.layer.kind == "cropping":
        (top, down), (left, across) = crop(call)
        return channel, row * down + top % shape[1], column * across + left % shape[2]
    if call.layer.kind == "space to depth":
        r = shape[1] // call.layer.shape[1]
        c, rest = divmod(channel, r * r)
        return c, row * r + rest // r, column * r + rest % r
    if call.layer.kind == "depth to space":
        r = call.layer.shape[1] // shape[1]
        return channel * r * r + row % r * r + column % r, row // r, column // r
    moved = [padded(call, axis, (i, i), shape[1 + axis])[0] for axis, i in enumerate((row, column))]
    inside = all(0 <= i < side for i, side in zip(moved, shape[1:], strict=True))
    return (channel, *moved) if inside else None


def _mixture(run: Trace, call: Call, place: Place, head: Head) -> WeightedSum:
    """Explain a layer that mixes its input linearly, whatever it is: mean, interpolation.

    Its weights are the gradient of the one value; what they do not explain would be a bias.
    """
    from zoo.graph.replay import weights_of

    source = run[call.layer.inputs[0]]
    weights, linear = weights_of(call, source, place)
    if not linear or len(set(call.layer.inputs)) > 1:
        raise ValueError(call.layer.operation)
    if source.ndim != 3:
        return WeightedSum(*head, source, weights)
    used = np.abs(weights) > 0
    box = [np.flatnonzero(used.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not all(len(axis) for axis in box):
        box = [np.arange(1)] * 3
    channels, rows, columns = (np.arange(axis[0], axis[-1] + 1) for axis in box)
    part = np.ix_(channels, rows, columns)
    return WeightedSum(
        *head, source[part], weights[part], 0.0, rows, columns, first_channel=int(channels[0])
    )


def _parameters(call: Call) -> dict[str, Any]:
    """Return a layer's parameters and buffers as arrays, NumPy's or PyTorch's."""
    layer = call.function
    if hasattr(layer, "parameters") and isinstance(layer.parameters, dict):
        return layer.parameters | layer.buffers
    if call.layer.operation == "linear":
        given = arguments(call, ("input", "weight", "bias"))
        named = [(name, given.get(name)) for name in ("weight", "bias")]
    else:
        named = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
    return {name: t.detach().float().cpu().numpy() for name, t in named if t is not None}


def kernel_of(run: Trace, layer: str, channel: int) -> np.ndarray | None:
    """Return the weights that a layer's channel goes back to.

    Args:
        run: From :func:`zoo.explain.trace`.
        layer: A layer's name; an activation or BatchNorm shows those of the convolution before it.
        channel: The map or feature.

    Returns:
        float32 array (in_channels, rows, columns), or None where no convolution or linear layer
        stands at the beginning (a residual sum, say).
    """
    first = arithmetic(run, layer, channel)[0]
    weighted = isinstance(first, WeightedSum) and first.kind in ("convolution", "linear")
    if not weighted:
        return None
    assert isinstance(first, WeightedSum)
    return first.weights if first.weights.ndim == 3 else first.weights.reshape(-1, 1, 1)
