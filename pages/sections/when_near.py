"""Parts of a page that are drawn once somebody comes near them.

Plotly is five megabytes of JavaScript, what colours code one and a half, and both take a phone
seconds: somebody who looks at a page's first screen is spared them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.common import charts, command_line
from pages.common.drawn_once import Blueprint
from pages.components.in_view import in_view

if TYPE_CHECKING:
    import plotly.graph_objects as go

AHEAD = 500  # pixels below the window: mostly, what is drawn is there before it is seen
_COMMAND = 54  # pixels: one line
_NEAR = "near-{}"  # in the session's state


def chart(figure: go.Figure | Blueprint, key: str, alt: str, height: int) -> None:
    """Draw a chart as `charts.show` does, once somebody comes near.

    Args:
        figure: The chart, or what describes it.
        key: Streamlit's key.
        alt: What it shows, for those who cannot see it.
        height: The chart's, in pixels; the place has it from the beginning.
    """
    draw(key, height, alt, partial(charts.show, figure, key, alt))


def command(text: str, key: str) -> None:
    """Draw a command as `command_line.show` does, once somebody comes near; before, plainly."""
    # What colours code keeps an option in one line, so the lines break at the same words.
    words = re.sub(r"(?<!\S)-\S+", r"<span>\g<0></span>", html.escape(text))
    draw(
        key, _COMMAND, text, partial(command_line.show, text),
        place=f'<pre class="command-place">{words}</pre>',
    )  # fmt: skip


@st.fragment
def draw(
    key: str, height: int, alt: str, part: Callable[[], None], place: str | None = None
) -> None:
    """Draw a part of the page once somebody comes near, and keep its place until then.

    Args:
        key: Another one for each part.
        height: Its height in pixels.
        alt: What it shows, for those who cannot see the place.
        part: Draws it.
        place: HTML that stands there before; by default, nothing of that height.
    """
    near = bool(st.session_state.get(_NEAR.format(key)))
    view = f"view-near-{key}"

    def on_seen() -> None:
        st.session_state[_NEAR.format(key)] = in_view.seen(view) == key

    with st.container(key=f"late-{key}", gap=None):
        # Streamlit's own place for a chart whose script is on its way is lower than the chart.
        css = re.sub(r"[^\w-]", "-", key)  # as Streamlit makes a class of it
        st.html(f"<style>.st-key-late-{css} {{ min-height: {height}px; }}</style>")
        in_view.show(view, key, near, on_seen, AHEAD)
        if near:
            part()
        else:
            said = html.escape(alt, quote=True)
            empty = f'<div role="img" aria-label="{said}" style="height: {height}px"></div>'
            st.html(place or empty)
