"""The same over HTTP: curl, Python and JavaScript, with what the server of this page answers."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import command_line
from pages.sections.weights import ways_to_load
from pages.sections.weights.example_answers import Printed
from pages.sections.weights.ways_to_load import Way
from zoo import snippets

_LOCAL = "http://localhost:8501"  # where no browser says how it got here


def api() -> str:
    """Return the API's address as this visitor reaches it."""
    page = (st.context.url or f"{_LOCAL}/page").partition("?")[0]
    return f"{page.rpartition('/')[0]}/api"


def ways(model: zoo.Model, printed: Printed) -> list[Way]:
    """Return the ways to ask."""
    name, address = model.name, api()
    label, number = printed.short
    asks = f"[{address}/docs]({address}/docs) says what else there is"
    return [
        Way("curl", snippets.http_curl(name, address), "bash", printed.response, asks),
        Way(
            "Python",
            snippets.http_python(name, address),
            "python",
            f"{label} {number}",
            "Nothing to install",
        ),
        Way(
            "JavaScript",
            snippets.http_javascript(name, address),
            "javascript",
            f"{label} {number}",
            "In Node, or in a page of this server; pages of other sites need its host's leave",
        ),
    ]


def show(model: zoo.Model, printed: Printed) -> None:
    """Draw the code, and for a network that finds pixels the cut-out that it can send."""
    ways_to_load.show(ways(model, printed))
    if not printed.cut_out:
        return
    st.markdown("Or have the cut-out sent, or the mask (`output=mask`):")
    command_line.show(snippets.http_curl(model.name, api(), "cutout"))
    st.image(printed.cut_out, width=360, alt="The example, cut out")
