"""Models as pages use them: loaded once for all sessions, errors shown as a sentence."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from typing import Any

import streamlit as st

import zoo
from zoo.weights import hub

_ready: set[str] = set()  # models that were loaded before


@st.cache_resource(show_spinner=False)
def _load(name: str) -> zoo.Classifier | zoo.Segmenter:
    model = zoo.load(name, precision="auto")
    freeze()
    _ready.add(name)
    return model


def _load_on_page(name: str) -> zoo.Classifier | zoo.Segmenter:
    """The same, where a page waits for it: a spinner can be drawn in the run of a page alone."""
    if name in _ready:
        return _load(name)
    with st.spinner("Getting the weights …"):
        return _load(name)


@st.cache_resource(show_spinner=False)
def _record(name: str) -> Mapping[str, Any]:
    return zoo.record(name)


def shared(name: str) -> zoo.Classifier | zoo.Segmenter:
    """Return the model that all pages share; errors are the caller's. For threads without a page.

    Raises:
        zoo.ZooError: It cannot be loaded.
    """
    return _load(name)


def load(name: str) -> zoo.Classifier | zoo.Segmenter:
    """Return a model; if it cannot be loaded, show why and end the page.

    Args:
        name: One of ``zoo.list_models()``.
    """
    try:
        return _load_on_page(name)
    except zoo.ZooError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def classifier(name: str) -> zoo.Classifier:
    """Return a model that names what an image shows; errors as in :func:`load`."""
    model = load(name)
    assert isinstance(model, zoo.Classifier)
    return model


def segmenter(name: str) -> zoo.Segmenter:
    """Return a model that finds an object's pixels; errors as in :func:`load`."""
    model = load(name)
    assert isinstance(model, zoo.Segmenter)
    return model


def loaded(name: str) -> zoo.Classifier | zoo.Segmenter | None:
    """Return a model, or None if it cannot be loaded; nothing is shown but that it takes time."""
    try:
        return _load_on_page(name)
    except zoo.ZooError:
        return None


def key(model: zoo.Model) -> str:
    """Return what tells a loaded model from others, to keep by it what was computed with it."""
    return f"{model.name}-{id(model)}"


def at_hand() -> list[str]:
    """Return the models that the frame around a page may load before the page is drawn.

    All of them, if they come from the Hub, which may keep everybody waiting once. Otherwise those
    that load at once: the first network that needs torch waits seconds for its import, and
    :mod:`pages.common.warm_up` does that behind the first visitor's page.
    """
    return [
        name
        for name in zoo.list_models(alternatives=False)
        if hub.repository() or zoo.info(name).framework == "numpy" or _torch_is_imported()
    ]


def _torch_is_imported() -> bool:
    """Return whether torch's import is finished; whoever imports it before that waits for it."""
    torch = sys.modules.get("torch")
    return torch is not None and not getattr(torch.__spec__, "_initializing", False)


def record(name: str) -> Mapping[str, Any]:
    """Return a model's record; if it cannot be read, show why and end the page.

    Args:
        name: One of ``zoo.list_models()``.
    """
    if name in at_hand():
        return load(name).record
    try:
        return _record(name)
    except zoo.ZooError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def prefetch() -> None:
    """Load the models at hand now, where the caller stands on the page.

    The side bar's footer needs them. From a slow Hub that takes up to its deadline, and the
    spinner, which shows after half a second, belongs where the visitor looks.
    """
    for name in at_hand():
        loaded(name)


def freeze() -> None:
    """Take all objects that exist now out of the garbage collector's sight.

    Streamlit collects garbage after every script run, and each collection walks through all the
    objects that imports and models have made: 245 ms a rerun with torch loaded, 48 ms after this.
    """
    gc.collect()
    gc.freeze()
