"""A loaded model: the network, the preparation that its training used, and typed answers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np

from zoo.devices import check_fork
from zoo.errors import ImageError, ZooError
from zoo.functions import sigmoid, softmax
from zoo.preprocessing import images
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.results import Classification, Segmentation
from zoo.segmentation import components, mask_refinement

_BATCH = 256  # images per forward pass of predict_batch: bounds the memory of the activations


class Model:
    """What every model has; :func:`zoo.load` makes one.

    Attributes:
        name: The catalog's name.
        config: ``config.json``: architecture and its arguments, input, labels, license.
        record: ``record.json``: how the weights were trained, epoch by epoch, and their metrics.
        network: The bare network: a ``NumpyCNN``, or an ``nn.Module`` in evaluation mode.
        device: ``"cpu"``, ``"cuda"``, … where ``network`` is.
        source: Where the files came from: ``"bundle"``, ``"hub"`` or a folder's path.
        notice: One sentence that a user should see, or None.
        revision: The Hub commit that the files belong to, or None.
        backend: What computes the answers: ``"numpy"``, ``"torch"``, ``"onnxruntime"`` or
            ``"openvino"``. Everything else (``network``, :mod:`zoo.explain`) stays as it is.
        precision: Numbers that the answers are computed in: ``"float32"`` or ``"bfloat16"``.
        engine: What runs the network in the place of its own framework, or None.
    """

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        record: Mapping[str, Any],
        network: Any,
        device: str = "cpu",
        source: str = "bundle",
        notice: str | None = None,
        revision: str | None = None,
    ) -> None:
        self.name, self.config, self.record, self.network = name, config, record, network
        self.device, self.source, self.notice = device, source, notice
        self.revision = revision
        self.backend = "torch" if self._is_pytorch else "numpy"
        self.precision = "float32"
        self.engine: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the network's outputs."""
        return tuple(self.config["labels"])

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """The typed preprocessing that ``config.json`` describes."""
        return Preprocessing.from_config(self.config)

    def model_input_image(self, image: images.ImageSource) -> np.ndarray:
        """Return the image that the network sees, before its values are normalized.

        Args:
            image: A path, bytes, a ``PIL.Image`` or a uint8 array; see
                :mod:`zoo.preprocessing.images`.

        Returns:
            uint8 array (H, W) or (H, W, 3) of the network's input size. For the digit network
            that is the digit in MNIST's form, 28 × 28, light on dark.

        Raises:
            ImageError: The image cannot be used; the message says why.
        """
        return self.preprocessing.image(image)

    def preprocess(self, image: images.ImageSource) -> np.ndarray:
        """Return the network's input, made exactly as in training.

        Args:
            image: A path, bytes, a ``PIL.Image`` or a uint8 array; see
                :mod:`zoo.preprocessing.images`.

        Returns:
            float32 array of shape (C, H, W): (image / 255 − mean) / std.

        Raises:
            ImageError: The image cannot be used; the message says why.
        """
        return self.preprocessing(image)

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Run the network in evaluation mode.

        A PyTorch network answers through a copy, whatever mode its owner sets; on the CPU through
        one that is faster and the same up to rounding: BatchNorms folded, channels last in memory.
        The copy is made at the first call; a network that is changed after that (retrained, its
        statistics replaced) needs a new model to answer for it.

        Args:
            inputs: float32 array (N, C, H, W), as :meth:`preprocess` makes them.

        Returns:
            float32 array on the CPU: for a classifier (N, classes); for a segmenter (N, 1, H, W),
            positive where the object is more probable than not.

        Raises:
            DeviceError: The model is on a GPU, and this process was forked from one that used it.
        """
        if self.engine is not None:
            return self.engine(inputs)
        if self.precision == "float32":
            return self.plain_logits(inputs)
        from zoo.graph.modules import run

        return run(self._bfloat16_network, inputs)

    def plain_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Run the network as :meth:`logits` does, always in its own framework and in float32."""
        if not self._is_pytorch:
            return self.network.forward(inputs, training=False)
        from zoo.graph.modules import run

        check_fork(self.device)
        return run(self._fast_network, inputs)

    @property
    def _is_pytorch(self) -> bool:
        return hasattr(self.network, "named_modules")  # that of an nn.Module

    def _start_clock(self) -> float:
        """Return the time now; the copy that is made once is not part of any answer's time."""
        if self._is_pytorch and self.engine is None:
            _ = self._fast_network if self.precision == "float32" else self._bfloat16_network
        return time.perf_counter()

    @cached_property
    def _fast_network(self) -> Any:
        from zoo.graph.modules import private_copy

        if self.device != "cpu":  # in evaluation mode, whatever mode its owner sets
            return private_copy(self.network, share=True)
        return self.exportable().to(memory_format=sys.modules["torch"].channels_last)

    @cached_property
    def _bfloat16_network(self) -> Any:
        from zoo.graph.modules import private_copy

        torch = sys.modules["torch"]
        twin = private_copy(self.network) if self.device != "cpu" else self.exportable()
        return twin.to(dtype=torch.bfloat16, memory_format=torch.channels_last)

    def exportable(self) -> Any:
        """Return a copy of the network as it runs best elsewhere: its BatchNorms folded, if it can.

        The NumPy network is returned as it is.
        """
        if not self._is_pytorch:
            return self.network
        from zoo.graph.folding import fold
        from zoo.graph.modules import private_copy

        try:
            return fold(self.network, _example(self.preprocessing)).network
        except ZooError:  # somebody's own network that cannot be folded: as it is, then
            return private_copy(self.network)

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}({self.name!r}, device={self.device!r}, source={self.source!r})"


class Classifier(Model):
    """A model that names what an image shows."""

    def predict(self, image: images.ImageSource) -> Classification:
        """Classify one image of any size.

        Args:
            image: A path, bytes, a ``PIL.Image`` or a uint8 array; see
                :mod:`zoo.preprocessing.images`.

        Raises:
            ImageError: The image cannot be used; the message says why.
        """
        start = self._start_clock()
        return self._classify(self.preprocess(image)[None], start)[0]

    @overload
    def predict_batch(
        self, batch: Iterable[images.ImageSource], *, errors: Literal["raise"] = "raise"
    ) -> list[Classification]: ...

    @overload
    def predict_batch(
        self, batch: Iterable[images.ImageSource], *, errors: Literal["return"]
    ) -> list[Classification | ImageError]: ...

    def predict_batch(
        self,
        batch: Iterable[images.ImageSource],
        *,
        errors: Literal["raise", "return"] = "raise",
    ) -> list[Classification] | list[Classification | ImageError]:
        """Classify several images; each may have a size and a kind of its own.

        Args:
            batch: Images as for :meth:`predict`, or a uint8 array (N, H, W) or (N, H, W, C).
            errors: What becomes of images that cannot be used: ``"raise"`` stops at the first,
                ``"return"`` answers the others and puts the error in the bad one's place.

        Returns:
            One :class:`~zoo.results.Classification` an image, in order; an empty list for none.

        Raises:
            ImageError: An image cannot be used, and ``errors`` is ``"raise"``; the message names
                it, by its path or its number.

        Example:
            >>> import zoo
            >>> images = ["a.png", b"junk"]
            >>> answers = zoo.load("mnist").predict_batch(images, errors="return")
            >>> [str(a) for a in answers if isinstance(a, zoo.ImageError)]  # doctest: +SKIP
            ['a.png: There is no file a.png: check the path.', 'image 2 of 2: This is not an …']
        """
        _check_errors(errors)
        examples = list(batch)
        answers: list[Classification | ImageError] = []
        for first in range(0, len(examples), _BATCH):
            start = self._start_clock()
            inputs = [
                _attempt(self.preprocess, examples, number, errors)
                for number in range(first, min(first + _BATCH, len(examples)))
            ]
            good = [found for found in inputs if not isinstance(found, ImageError)]
            answered = iter(self._classify(np.stack(good), start) if good else ())
            answers += [
                found if isinstance(found, ImageError) else next(answered) for found in inputs
            ]
        return answers

    def _classify(self, inputs: np.ndarray, start: float) -> list[Classification]:
        """Return the answers to prepared inputs (N, C, H, W); ``start`` is when the clock began."""
        logits = np.asarray(self.logits(inputs), dtype=np.float32)
        probabilities = softmax(logits)
        seconds = (time.perf_counter() - start) / len(inputs)
        threshold = self.config.get("ood_threshold")
        return [
            Classification(self.labels, p, z, seconds, threshold)
            for p, z in zip(probabilities, logits, strict=True)
        ]


class Segmenter(Model):
    """A model that says which pixels show an object.

    The network works on the image scaled, in its own shape, to a longest side of
    ``preprocessing.longest_side`` pixels. Smaller images are enlarged to that: a network
    knows objects of the size that it was trained on, and a thumbnail's object is not a smaller one.
    Specks and pinholes of which the network is nowhere sure are taken back
    (:func:`zoo.segmentation.components.hysteresis_threshold`), and the answer is brought back to
    the image's own size (:mod:`zoo.segmentation.mask_refinement`).
    """

    def predict(self, image: images.ImageSource, refine: bool = True) -> Segmentation:
        """Find the object in one image of any size.

        Args:
            image: A path, bytes, a ``PIL.Image`` or a uint8 array; see
                :mod:`zoo.preprocessing.images`.
            refine: Draw the edge where the image itself has one, if the image is larger than the
                network's working size; False scales the answer up bilinearly.

        Raises:
            ImageError: The image cannot be used; the message says why.
        """
        start = self._start_clock()
        opened = images.open_image(image, share=True)
        inputs = self.preprocessing.normalize(self.preprocessing.resize(opened))
        threshold = float(self.config["threshold"])
        low_res_probabilities = components.hysteresis_threshold(
            sigmoid(self.logits(inputs[None])[0, 0]), threshold
        )
        return Segmentation(
            label=self.labels[0],
            probabilities=mask_refinement.enlarge(low_res_probabilities, opened, threshold, refine),
            low_res_probabilities=low_res_probabilities,
            threshold=threshold,
            seconds=time.perf_counter() - start,
            min_area=float(self.config.get("min_area", Segmentation.min_area)),
            min_confidence=float(self.config.get("min_confidence", 0.0)),
        )

    @overload
    def predict_batch(
        self,
        batch: Iterable[images.ImageSource],
        refine: bool = True,
        *,
        errors: Literal["raise"] = "raise",
    ) -> list[Segmentation]: ...

    @overload
    def predict_batch(
        self,
        batch: Iterable[images.ImageSource],
        refine: bool = True,
        *,
        errors: Literal["return"],
    ) -> list[Segmentation | ImageError]: ...

    def predict_batch(
        self,
        batch: Iterable[images.ImageSource],
        refine: bool = True,
        *,
        errors: Literal["raise", "return"] = "raise",
    ) -> list[Segmentation] | list[Segmentation | ImageError]:
        """Find the object in several images; each may have a size and a kind of its own.

        They run one by one: at the working size a single image keeps all cores busy, and the
        memory does not grow with the batch.

        Args:
            batch: Images as for :meth:`predict`, or a uint8 array (N, H, W) or (N, H, W, C).
            refine: As for :meth:`predict`.
            errors: As for :meth:`Classifier.predict_batch`.

        Returns:
            One :class:`~zoo.results.Segmentation` an image, in order; an empty list for none.

        Raises:
            ImageError: An image cannot be used, and ``errors`` is ``"raise"``; the message names
                it, by its path or its number.
        """
        _check_errors(errors)
        examples = list(batch)
        return [
            _attempt(lambda image: self.predict(image, refine), examples, number, errors)
            for number in range(len(examples))
        ]


def _check_errors(errors: str) -> None:
    if errors not in ("raise", "return"):
        raise ZooError(f'errors is {errors!r}: use "raise" or "return".')


def _attempt(
    work: Callable[[images.ImageSource], Any],
    batch: Sequence[images.ImageSource],
    number: int,
    errors: str,
) -> Any:
    """Return what work makes of one image of a batch, or the error that names the image."""
    try:
        return work(batch[number])
    except ImageError as error:
        named = ImageError(f"{_name(batch, number)}: {error}")
    if errors == "raise":
        raise named
    return named


def _name(batch: Sequence[images.ImageSource], number: int) -> str:
    """Say which image of a batch: its path, or its number."""
    image = batch[number]
    path = image if isinstance(image, str | os.PathLike) else getattr(image, "name", None)
    if isinstance(path, str | os.PathLike):
        return os.fspath(path)
    return f"image {number + 1} of {len(batch)}"


def _example(preprocessing: Preprocessing) -> np.ndarray:
    """Return an input by which folding sees which layer feeds which; small where it may be."""
    channels, height, width = preprocessing.input_shape
    shape = (1, channels, height, width) if preprocessing.fixed_size else (1, channels, 32, 32)
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
