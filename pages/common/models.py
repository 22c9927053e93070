"""Models as pages use them: loaded once for all sessions, errors shown as a sentence."""

from __future__ import annotations

import gc

import streamlit as st

import zoo


@st.cache_resource(show_spinner="Getting the weights …")
def _load(name: str) -> zoo.Classifier | zoo.Segmenter:
    model = zoo.load(name)
    freeze()
    return model


def load(name: str) -> zoo.Classifier | zoo.Segmenter:
    """Return a model; if it cannot be loaded, show why and end the page.

    Args:
        name: One of ``zoo.list_models()``.
    """
    try:
        return _load(name)
    except zoo.ZooError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def classifier(name: str) -> zoo.Classifier:
    """Return a model that names what a picture shows; errors as in :func:`load`."""
    model = load(name)
    assert isinstance(model, zoo.Classifier)
    return model


def segmenter(name: str) -> zoo.Segmenter:
    """Return a model that finds an object's pixels; errors as in :func:`load`."""
    model = load(name)
    assert isinstance(model, zoo.Segmenter)
    return model


def loaded(name: str) -> zoo.Classifier | zoo.Segmenter | None:
    """Return a model, or None if it cannot be loaded; nothing is shown."""
    try:
        return _load(name)
    except zoo.ZooError:
        return None


def prefetch() -> None:
    """Load every model now, where the caller stands on the page.

    The side bar's footer needs them all. From a slow Hub that takes up to its deadline, and the
    spinner, which shows after half a second, belongs where the visitor looks.
    """
    for name in zoo.list_models():
        loaded(name)


def freeze() -> None:
    """Take all objects that exist now out of the garbage collector's sight.

    Streamlit collects garbage after every script run, and each collection walks through all the
    objects that imports and models have made: 245 ms a rerun with torch loaded, 48 ms after this.
    """
    gc.collect()
    gc.freeze()
