"""A loaded model as one ONNX file that says what it is, checked against the network it came from.

The graph takes a batch of any size and, if the network takes images of any size, any height and
width. What is in the file is decided by the model alone: no date, no path, no version of a package,
so that the same weights give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from zoo.backends.missing import needed
from zoo.errors import ZooError
from zoo.graph.trace import trace_network
from zoo.models import Model
from zoo.weights.atomic_files import write_bytes

OPSET = 18  # of ONNX's operators
IR_VERSION = 9  # of the file format; ONNX Runtime has read it since 1.16
TOLERANCE = 1e-4  # of the largest logit; float32 rounding gives about 1e-6
_SIDE = 64  # pixels of the image by which a network of any size is traced


@dataclass(frozen=True)
class OnnxFile:
    """A model in ONNX, and how well it agrees with the network.

    Attributes:
        contents: The file's bytes.
        opset: Version of ONNX's operators.
        max_difference: The largest difference between its logits and the network's.
        largest: The network's largest logit, to compare that with.
        checked_by: What ran it: ``"onnxruntime"``, or ``"onnx"``, which is its own reference.
        inputs: Shapes of the inputs that were compared.
    """

    contents: bytes
    opset: int
    max_difference: float
    largest: float
    checked_by: str
    inputs: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, for ``python -m zoo export --json``."""
        return {
            "bytes": len(self.contents),
            "sha256": hashlib.sha256(self.contents).hexdigest(),
            "opset": self.opset,
            "max_difference": self.max_difference,
            "largest_logit": self.largest,
            "checked_by": self.checked_by,
            "inputs": [list(shape) for shape in self.inputs],
        }

    @property
    def parity(self) -> str:
        """Say how well it agrees, in one sentence."""
        return (
            f"its logits differ from the network's by {self.max_difference:.1e} at most "
            f"(the largest is {self.largest:.1f}; {len(self.inputs)} batches, "
            f"run by {self.checked_by})"
        )


def export(model: Model, path: Path) -> OnnxFile:
    """Write a model as an ONNX file, atomically, after it has been checked.

    Args:
        model: A loaded model.
        path: The file; what is there is replaced.

    Raises:
        ZooError: ``onnx`` is not installed, a layer has no ONNX form, the file would answer
            differently, or it cannot be written.

    Example:
        >>> import zoo
        >>> from zoo.backends.onnx_file import export
        >>> export(zoo.load("mnist"), "mnist.onnx").parity            # doctest: +SKIP
        "its logits differ from the network's by 2.9e-06 at most (the largest is 14.1; …)"
    """
    made = checked(model)
    try:
        write_bytes(Path(path), made.contents)
    except OSError as error:
        raise ZooError(f"{path} cannot be written ({error.strerror}).") from None
    return made


def checked(model: Model) -> OnnxFile:
    """Return a model as an ONNX file whose answers have been compared with the network's.

    Errors are those of :func:`export`.
    """
    contents = onnx_bytes(model)
    run, by = _runner(contents)
    largest = difference = 0.0
    compared = examples(model)
    for inputs in compared:
        wanted, found = model.plain_logits(inputs), run(inputs)
        if wanted.shape != found.shape:
            raise ZooError(f"As ONNX, {model.name} answers {found.shape}, not {wanted.shape}.")
        largest = max(largest, float(np.abs(wanted).max()))
        difference = max(difference, float(np.abs(wanted - found).max()))
    if not difference <= TOLERANCE * max(largest, 1.0):
        raise ZooError(
            f"As ONNX, {model.name} answers otherwise than the network: logits differ by "
            f"{difference:.2g}; nothing was written."
        )
    shapes = tuple(inputs.shape for inputs in compared)
    return OnnxFile(contents, OPSET, difference, largest, by, shapes)


def onnx_bytes(model: Model) -> bytes:
    """Return a model as an ONNX file, unchecked; errors as of :func:`export`."""
    needed("onnx", "An ONNX file")
    import onnx
    from onnx import helper

    from zoo.backends import onnx_layers

    graph = onnx_layers.Graph()
    channels, height, width = model.preprocessing.input_shape
    _add_network(graph, model)
    sides = (height, width) if model.preprocessing.fixed_size else ("height", "width")
    answer = ("batch", 1, *sides) if _is_segmenter(model) else ("batch", len(model.labels))
    given, answered = onnx_layers.input_and_answer(("batch", channels, *sides), answer)
    proto = helper.make_model(
        graph.proto(model.name, given, answered),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="cnn-lytical",
        doc_string=f"{model.config.get('title', model.name)}: {describe_input(model)}",
    )
    helper.set_model_props(proto, metadata(model))
    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise ZooError(f"{model.name} is no valid ONNX: {str(error).splitlines()[0]}") from None
    return proto.SerializeToString(deterministic=True)


def metadata(model: Model) -> dict[str, str]:
    """Return what the file says of itself: what goes in, what comes out, whose weights these are.

    Texts, as ONNX has them; ``config`` is the model's whole ``config.json``.
    """
    config = model.config
    found = {
        "model": model.name,
        "task": "segmentation" if _is_segmenter(model) else "classification",
        "input": describe_input(model),
        "output": _describe_output(model),
        "labels": json.dumps(list(model.labels)),
        "preprocessing": json.dumps(model.preprocessing.to_config()),
        "config": json.dumps(config),
    }
    for key in ("threshold", "ood_threshold", "license"):
        if key in config:
            found[key] = str(config[key])
    return found


def describe_input(model: Model) -> str:
    """Say in words how an image becomes the network's input."""
    made = model.preprocessing
    colour = "gray" if made.channels == 1 else "RGB"
    size = {
        "crop": f"its centre cut to {made.width}:{made.height} and resized (Lanczos) to "
        f"{made.width} x {made.height} pixels",
        "scale": f"resized (Lanczos), in its own shape, to a longest side of {made.longest_side} "
        "pixels",
        "mnist_digit": f"a digit in MNIST's form, light on dark, {made.width} x {made.height} "
        "pixels (zoo.preprocessing.mnist_format draws a photo or a drawing that way)",
    }[made.kind]
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (made.mean, made.std))
    return (
        f"float32 (batch, {made.channels}, height, width): the {colour} image, {size}; each "
        f"channel (value / 255 - mean) / std, mean {mean}, std {std}."
    )


def _describe_output(model: Model) -> str:
    if _is_segmenter(model):
        return (
            f"float32 (batch, 1, height, width): logits; sigmoid gives the probability that a "
            f"pixel shows the {model.labels[0]}."
        )
    return (
        f"float32 (batch, {len(model.labels)}): logits, one a label; softmax gives probabilities."
    )


def _is_segmenter(model: Model) -> bool:
    return model.config.get("task") == "segmentation"


def _add_network(graph: Any, model: Model) -> None:
    """Add the whole network, from ``"images"`` to ``"logits"``.

    A network of any image size may want multiples of some number of pixels: the image is padded
    with its border to the next one, and the answer cropped, as the network itself would do, but in
    the graph, where height and width are not known yet.
    """
    from zoo.backends.onnx_layers import write_layers

    network = model.exportable()
    channels, height, width = model.preprocessing.input_shape
    multiple = 1
    if not model.preprocessing.fixed_size:
        multiple = int(getattr(network, "multiple", 1))
        height = width = -(-_SIDE // multiple) * multiple
    run = trace_network(network, np.zeros((1, channels, height, width), np.float32))
    if multiple == 1:
        graph.add("Identity", [write_layers(graph, run, "images")], "logits")
        return
    sides = graph.add("Shape", ["images"], "sides", start=2)
    negative = graph.add("Neg", [sides], "negative")
    step = graph.constant("multiple", [multiple, multiple], np.int64)
    lacking = graph.add("Mod", [negative, step], "lacking")
    none = graph.constant("none", [0] * 6, np.int64)  # before every axis, and behind two of them
    pads = graph.add("Concat", [none, lacking], "pads", axis=0)
    padded = graph.add("Pad", ["images", pads], "padded", mode="edge")
    whole = write_layers(graph, run, padded)
    starts = graph.constant("starts", [0, 0], np.int64)
    axes = graph.constant("axes", [2, 3], np.int64)
    graph.add("Slice", [whole, starts, sides, axes], "logits")


def examples(model: Model) -> list[np.ndarray]:
    """Return inputs to compare answers on: several batches and, where it may vary, sizes."""
    channels, height, width = model.preprocessing.input_shape
    sizes = [(1, height, width), (3, height, width)]
    if not model.preprocessing.fixed_size:  # one that fits its multiple, and two that do not
        sizes = [(1, 64, 96), (2, 50, 71), (1, 33, 8)]
    draw = np.random.default_rng(0).standard_normal
    return [draw((n, channels, h, w), dtype=np.float32) for n, h, w in sizes]


def _runner(contents: bytes) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """Return what runs a file, and its name: ONNX Runtime, or else ONNX's own reference."""
    if find_spec("onnxruntime") is not None:
        from zoo.backends.engines import OnnxRuntime

        return OnnxRuntime(contents), "onnxruntime"
    from onnx import load_from_string
    from onnx.reference import ReferenceEvaluator

    reference = ReferenceEvaluator(load_from_string(contents))

    def run(inputs: np.ndarray) -> np.ndarray:
        answers: Any = reference.run(None, {"images": inputs})
        return answers[0]

    return run, "onnx"
