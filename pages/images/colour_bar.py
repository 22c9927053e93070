"""The key to a map's colours: a bar from its lowest to its highest value."""

from __future__ import annotations

import html

_STYLE = (
    "display:grid;grid-template-columns:auto minmax(4rem,14rem) auto;gap:0.5rem;"
    "align-items:center;justify-content:start;font-size:0.8125rem;min-height:1.5rem;font-variant-numeric:tabular-nums"
)


def row(*bars: str) -> str:
    """Return bars beside each other; where there is no room, below."""
    return f'<div style="display:flex;flex-wrap:wrap;gap:0 2rem">{"".join(bars)}</div>'


def bar(low: str, high: str, colours: tuple[str, ...]) -> str:
    """Return the bar as HTML for ``st.html``; it takes one line.

    Args:
        low, high: What stands at its ends: a value with its meaning.
        colours: CSS colours from left to right, at equal distances.
    """
    low, high = html.escape(low), html.escape(high)
    ramp = f"linear-gradient(90deg,{','.join(colours)})"
    label = f"Colours: from {low} to {high}"
    return (
        f'<div class="colour-bar" role="img" aria-label="{label}" style="{_STYLE}">'
        f"<span>{low}</span>"
        f'<span style="height:0.75rem;border-radius:0.375rem;background:{ramp}"></span>'
        f"<span>{high}</span></div>"
    )
