"""Charts that are built once for all visitors, as long as they would be the same.

To build a Plotly figure, to check it and to write it as JSON takes tens of milliseconds, and most
charts show a record that never changes. A builder that is marked :func:`keep` only says what
it would build; `charts.show` builds and writes it the first time, and after that hands the same
bytes on (Streamlit replays what a cached function drew).
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

P = ParamSpec("P")


@dataclass(frozen=True)
class Blueprint:
    """A chart that is not built yet.

    Attributes:
        digest: Of the builder, what it is given, and the theme: of the same chart the same.
        build: Builds it.
    """

    digest: str
    build: Callable[[], go.Figure]


def keep(builder: Callable[P, go.Figure]) -> Callable[P, Blueprint]:
    """Mark a function whose chart depends on its arguments and the theme alone."""

    @functools.wraps(builder)
    def describe(*args: P.args, **kwargs: P.kwargs) -> Blueprint:
        made_of = (builder.__module__, builder.__qualname__, args, sorted(kwargs.items()))
        theme = st.context.theme.type or "light"
        digest = hashlib.sha256(pickle.dumps((theme, made_of))).hexdigest()
        return Blueprint(digest, functools.partial(builder, *args, **kwargs))

    return describe


@st.cache_data(show_spinner=False, max_entries=200)
def show(digest: str, key: str, alt: str, _build: Callable[[], Any], _config: Any) -> None:
    """Draw a chart, or replay it.

    Args:
        digest: Of the blueprint.
        key: Streamlit's key.
        alt: What it shows, for those who cannot see it.
        _build: Builds the figure.
        _config: Plotly's.
    """
    st.plotly_chart(_build(), config=_config, key=key, alt=alt)
