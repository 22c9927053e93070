"""What the page "Feature maps" looks into: a network's run on an image, kept for all sessions."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

import zoo
from pages.common import loaded_models
from pages.images import encoding, heat_map, mosaic

SIDE = 256  # longest side, in pixels, at which a segmentation network is looked into
KEPT = 6  # runs; one of the U-Net at this size holds about 25 MB
NAMED = 64  # images that visitors look into, each of at most 200 kB; those before have no name
_FRAME = (255, 255, 255)
_EDGE = (91, 91, 214)
_named: OrderedDict[str, tuple[zoo.Model, np.ndarray]] = OrderedDict()
_lock = threading.Lock()


def small(model: zoo.Model, view: np.ndarray) -> np.ndarray:
    """Return the image at the size at which the network is looked into.

    A classifier has one size. A segmentation network takes any; at its working size its activations
    would fill a quarter of a gigabyte.

    Args:
        model: A loaded model.
        view: What ``model.view`` returned.
    """
    if isinstance(model, zoo.Classifier):
        return view
    image = Image.fromarray(view)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def run(model: zoo.Model, view: np.ndarray) -> zoo.explain.Trace:
    """Return the run of a model on a view; the last few are kept.

    Args:
        model: A loaded model.
        view: uint8 array (H, W) or (H, W, 3), as :func:`small` returns it.
    """
    return _run(_key(model, view), model, view)


def name(model: zoo.Model, view: np.ndarray) -> str:
    """Return a name by which :func:`named` finds what a visitor looks into; nobody can guess it."""
    found = hashlib.sha256(_key(model, view).encode()).hexdigest()[:32]
    with _lock:
        _named[found] = model, view
        _named.move_to_end(found)
        while len(_named) > NAMED:
            _named.popitem(last=False)
    return found


def named(name: str) -> tuple[zoo.Model, zoo.explain.Trace] | None:
    """Return a model and its run by the name that :func:`name` gave them; None: it is too old."""
    found = _named.get(name)
    return (found[0], run(*found)) if found else None


def _key(model: zoo.Model, view: np.ndarray) -> str:
    digest = hashlib.sha256(view.tobytes()).hexdigest()
    return f"{loaded_models.key(model)}-{view.shape}-{digest}"


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _run(key: str, _model: zoo.Model, _view: np.ndarray) -> zoo.explain.Trace:
    return zoo.explain.trace(_model.network, _model.preprocessing.normalize(_view))


@st.cache_data(show_spinner=False, max_entries=64)
def sheet(values: np.ndarray, own_scale: bool, width: int) -> tuple[bytes, mosaic.Mosaic]:
    """Return what :func:`mosaic.sheet` does, once: a click on a map does not change the others."""
    return mosaic.sheet(values, own_scale, width)


def means(values: np.ndarray) -> np.ndarray:
    """Return each map's mean, (C,), of a layer's output (C, H, W) or (F,)."""
    return values.reshape(len(values), -1).mean(axis=1)


def order(values: np.ndarray, strongest_first: bool) -> list[int]:
    """Return the channels of a layer's output in the order in which they are shown."""
    if not strongest_first:
        return list(range(len(values)))
    return [int(channel) for channel in np.argsort(-means(values), kind="stable")]


def liveliest(values: np.ndarray) -> int:
    """Return the channel to begin with: whose map varies most; of features, the largest."""
    spread = values.std(axis=(1, 2)) if values.ndim == 3 else values
    return int(spread.argmax())


def peak(values: np.ndarray) -> tuple[int, int]:
    """Return (row, column) of the largest value of one map."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    return int(row), int(column)


@st.cache_data(show_spinner=False, max_entries=128)
def over(
    view: np.ndarray, values: np.ndarray | None, field: zoo.explain.ReceptiveField | None
) -> bytes:
    """Draw a map over the image, and the rectangle that a position of it sees.

    Args:
        view: uint8 array (H, W) or (H, W, 3).
        values: float array (h, w), a feature map; None: the image alone.
        field: A rectangle in the view's pixels, or None.

    Returns:
        A PNG file.
    """
    scale = max(1, round(320 / max(view.shape[:2])))
    if values is None:
        encoded = encoding.png(view, scale)
    else:
        shape = (view.shape[1], view.shape[0])
        stretched = Image.fromarray(values.astype(np.float32)).resize(
            shape, Image.Resampling.BILINEAR
        )
        encoded = heat_map.png(view, np.asarray(stretched), scale, least=1e-30)
    if field is None:
        return encoded
    image = zoo.open_image(encoded)
    box = [field.left, field.top, field.right, field.bottom]
    left, top, right, bottom = (scale * edge for edge in box)
    pen = ImageDraw.Draw(image)
    for inset, colour in ((0, _EDGE), (1, _EDGE), (2, _FRAME)):
        inner = (left + inset, top + inset, right - 1 - inset, bottom - 1 - inset)
        if inner[2] > inner[0] and inner[3] > inner[1]:
            pen.rectangle(inner, outline=colour)
    return encoding.png(image)
