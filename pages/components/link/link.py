"""A link holds what one sees: a page's choices in its address, and read from it again.

A page with components of ours keeps its choices in plain session state, which outlives a visit to
another page. Where somebody comes with a link, they come from the link instead; whenever they
change, the address follows::

    def shown() -> dict[str, Any]:
        if "digits" not in st.session_state:
            put_sample(first_sample("digits").id)
        return st.session_state["digits"]

    came = link.arrived(sample=link.one_of(ids), threshold=link.whole(1, 99))
    if "sample" in came:                     # at the top of the page, after entry_guard.ensure
        put_sample(came["sample"])

    link.show(sample=shown().get("id"))      # in the fragment that changes it

What a link holds that makes no sense is left out. What needs the model to be judged (a layer's
name, a channel) is read with ``str`` or a generous `whole`, and checked where it is used.

A page that has nothing but Streamlit's own widgets needs none of this: ``bind="query-params"`` does
it for a widget, under its key's name. The two get along, but a choice is held by one of them.

The address is changed in the browser, for Streamlit's ``st.query_params`` would make an entry in
its history of each click: with 40 channels looked at, "back" would have to be pressed 40 times.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection
from typing import Any

from pages.common import entry_guard
from pages.components.register import component

LONGEST = 200  # characters of a value; a link is written by anybody

_mount = component("link")
_runs = itertools.count()


def arrived(**readers: Callable[[str], Any]) -> dict[str, Any]:
    """Return what the visitor's link holds; once for each time that they come to the page.

    Args:
        readers: For each name a function that turns a text into a value, or returns None (or
            raises a ValueError) if the text makes no sense: ``str``, `one_of`, `whole`, `number`.

    Returns:
        Names and values; empty if the visitor came without a link, and in all later runs.
    """
    found = {}
    for name, read in readers.items():
        text = entry_guard.came_with(name)
        if text is None or len(text) > LONGEST:
            continue
        try:
            value = read(text)
        except ValueError:
            continue
        if value is not None:
            found[name] = value
    return found


def show(part: str = "page", /, **choices: str | float | bool | None) -> None:
    """Put choices into the address.

    It takes no room on the page. Call it in the same fragment as what changes the choices; a call
    in another part of the page holds other names.

    Args:
        part: of the page; each has one call.
        choices: Values by name. None leaves a name out: what is as usual needs no place in a link.
    """
    written = {name: None if value is None else _text(value) for name, value in choices.items()}
    # The number makes the browser look again after each run: Streamlit may have changed it.
    data = {"page": entry_guard.page(), "choices": written, "run": next(_runs)}
    _mount(key=f"link-{part}", data=data)


def one_of(values: Collection[str]) -> Callable[[str], str | None]:
    """Return a reader of one of some names."""
    return lambda text: text if text in values else None


def whole(low: int, high: int) -> Callable[[str], int | None]:
    """Return a reader of a whole number from ``low`` to ``high``.

    >>> [whole(1, 99)(text) for text in ("7", "100")]
    [7, None]
    """

    def read(text: str) -> int | None:
        value = int(text)
        return value if low <= value <= high else None

    return read


def number(low: float, high: float) -> Callable[[str], float | None]:
    """Return a reader of a number from ``low`` to ``high``.

    >>> [number(0, 1)(text) for text in ("0.25", "1e9", "nan")]
    [0.25, None, None]
    """

    def read(text: str) -> float | None:
        value = float(text)
        return value if math.isfinite(value) and low <= value <= high else None

    return read


def _text(value: str | float | bool) -> str:
    """Write a value: a yes as 1, a number as short as it is.

    >>> [_text(value) for value in ("cat", True, 0.5, 3.0)]
    ['cat', '1', '0.5', '3']
    """
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
