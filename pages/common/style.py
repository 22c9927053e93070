"""The few rules that theme tokens cannot give: what takes no room, and how much others take.

:mod:`pages.server.page_head` puts them into each page's head.
"""

from __future__ import annotations

import streamlit as st
from PIL import ImageColor

_NO_ROOM = """
/* components/link: an element that only changes the address */
[class*="st-key-link-"] { display: none; }

/* components/drop_zone: it hands files to this uploader, which shows itself to say why not */
[class*="st-key-uploader-"]:not(:has([data-testid=stFileChipIconError])) { display: none; }

/* components/in_view: an element that only says where it is */
[class*="st-key-view-"] { position: absolute; }

/* headers with a button beside them, on one line */
.stHorizontalBlock:is([class*="st-key-bn-head-"], .st-key-skip-head) { align-items: baseline; }
[class*="st-key-bn-head-"] h2 { padding-bottom: 0.25rem; }

/* On a phone columns stand below each other, as close as anything else. */
@media (max-width: 640px) {
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) { gap: 1rem; }
  /* two of the weights' files on a line, whatever they are called */
  .stHorizontalBlock.st-key-files { gap: 0.5rem; }
  .st-key-files button { padding-left: 0.5rem; padding-right: 0.5rem; }
}

/* the overview's ways into the house: Streamlit's links come a moment later, and are lower */
[class*="st-key-purpose-"] { min-height: 62px; }

/* the overview's links: their words begin where the text above does, not their background */
:is([class*="st-key-purpose-"], [class*="st-key-open-page-"]) [data-testid=stPageLink] {
  margin-left: -0.5rem;
}
"""

# Until the browser has a component, Streamlit gives it 40 pixels, and what follows jumps when it is
# there. So its place has its height from the beginning: pixels at 1280 wide, at 1024, on a phone.
# tests/browser/test_every_page.py finds what is missing here.
_HEIGHTS = {
    "headline-": (191, 191, 191),
    "headline-batch_norm": (229, 229, 229),
    "headline-experiments": (104, 104, 104),
    "photo-zone": (56, 56, 56),
    "pad": (375, 321, 370),
    "digits-answer": (430, 430, 430),
    "digits-samples": (180, 180, 387),
    "layers": (495, 460, 910),
    "decided": (234, 190, 197),
    "crop": (322, 286, 346),
    "objects-answer": (334, 334, 334),
    "objects-samples": (214, 246, 552),
    "reasons": (304, 245, 152),
    "confusion-cifar10": (468, 478, 455),
    "confusion-mnist": (418, 430, 406),
    "confident_errors": (429, 363, 1332),
    "samples": (153, 143, 176),
    "stage": (493, 453, 521),
    "inside-model": (60, 60, 60),
    "inside-samples": (70, 60, 167),
    "inside-mnist-zone": (56, 72, 56),
    "inside-diagram": (214, 214, 270),
    "inside-maps": (259, 205, 202),
    "inside-pixels": (261, 206, 382),
    "skip-samples": (153, 143, 176),
    "skip-photo-zone": (56, 72, 56),
    "skip-kept": (60, 60, 60),
    "skip-fill": (60, 60, 60),
    "skip-chosen": (60, 60, 60),
    "skip-masks": (217, 160, 329),
    "skip-sides": (174, 148, 698),
    "bn-verdicts": (415, 628, 692),
    "subject": (32, 68, 104),
    "model": (60, 60, 60),
}
# The same for what is lower than those 40 pixels.
_LOW = {
    "purpose-": 19,
    "open-page-": 28,
    "inside-sort": 24,
    "inside-own": 24,
}
# The same for containers whose elements stand in rows: with 40 pixels each they need fewer rows.
_ROWS = {
    "facts": (59, 59, 150),
    "files": (96, 96, 136),
}
_WINDOWS = (
    "(min-width: 1200px)",
    "(min-width: 641px) and (max-width: 1199px)",
    "(max-width: 640px)",
)


# Beside the side bar of a small window or a projector (1024 × 768), margins of 80 pixels would cost
# controls their room; what still does not fit beside the others stands below them.
_NARROW = """
.block-container[data-testid=stMainBlockContainer] { padding-left: 2.5rem; padding-right: 2.5rem; }
[data-testid=stButtonGroup] [role=radiogroup] { flex-wrap: wrap; row-gap: 0.25rem; }
[data-testid=stHorizontalBlock]:has([class*="st-key-purpose-"]) { flex-wrap: wrap; }
[data-testid=stColumn]:has([class*="st-key-purpose-"]) { flex: 1 1 40%; }
.katex-display > .katex { font-size: 1em; }
"""

# Streamlit writes white on the dark theme's light violet, 3 : 1; hovered it is darker, and white
# is right.
_LEGIBLE = (
    "[data-testid=stBaseButton-primary]:not(:hover, :active, :disabled)"
    " { color: light-dark(#fff, #15151b); }"
)
# common/command_line: no colours, and an option such as --data-dir is one word. Before somebody
# comes near (sections/when_near), the words stand where they will.
_COMMANDS = """
pre.command-place {
  margin: 0; padding: 1rem; font: 0.8125rem/1.6 "Geist Mono", monospace;
  white-space: pre-wrap; overflow-wrap: break-word;
}
pre.command-place span { white-space: nowrap; }
[data-testid=stCode] code.language-batch .token { color: inherit !important; }
[data-testid=stCode] code.language-batch .token.parameter { white-space: nowrap; }
"""
# Code in the light theme: Streamlit's colours have as little as 2 : 1 on its light gray.
_INKS = {
    "#5d6075, #808495": ("comment", "punctuation", "unchanged"),
    "#1763b8, #1c83e1": ("keyword", "function", "class-name"),
    "#0b7a2f, #21c354": ("string", "boolean", "inserted"),
    "#a84a00, #ed6f13": ("operator",),
    "#0d7466, #29b09d": ("number",),
    "#0b6b8a, #00a4d4": ("variable", "property"),
    "#c42b2b, #ff4b4b": ("deleted",),
}


def rules() -> str:
    """Return the style sheet."""
    parts = [
        _NO_ROOM,
        _LEGIBLE,
        _inks_of_charts(),
        *(_ink(colours, tokens) for colours, tokens in _INKS.items()),
        _COMMANDS,
        f"@media {_WINDOWS[1]} {{ {_NARROW} }}",
        _element("lead-", "aspect-ratio: 5"),
        _element("lead-feature_maps", "aspect-ratio: 2"),
        _element("lead-skip_connections", "aspect-ratio: 4.491"),
    ]
    parts += [
        f'[class*="st-key-{key}"] [data-testid=stSkeleton] {{ height: {size}px; }}'
        for key, size in _LOW.items()
    ]
    for window, which in zip(_WINDOWS, range(3), strict=True):
        places = [_element(key, f"min-height: {sizes[which]}px") for key, sizes in _HEIGHTS.items()]
        places += [
            f".st-key-{key} {{ min-height: {sizes[which]}px; }}" for key, sizes in _ROWS.items()
        ]
        parts.append(f"@media {window} {{ {' '.join(places)} }}")
    return "\n".join(parts)


def _ink(colours: str, tokens: tuple[str, ...]) -> str:
    """Return a rule for tokens of code: their colours on a light ground and on a dark one."""
    code = "[data-testid=stCode] code[class*=language-] .token"
    return f"{', '.join(f'{code}.{token}' for token in tokens)} {{ color: light-dark({colours}); }}"


def _inks_of_charts() -> str:
    """Return rules that draw a chart's text and ticks in the ink of the theme that is seen.

    The server wrote them in that of the theme at the time; when the visitor's system turns dark in
    the evening, nobody asks it again, and they would be as dark as the page.
    """
    inks = [str(st.get_option(f"theme.{kind}.textColor")) for kind in ("light", "dark")]
    written = [f"rgb({', '.join(map(str, ImageColor.getrgb(ink)))})" for ink in inks]
    rules = []
    for part in ("fill", "stroke"):
        found = ", ".join(f'[style*="{part}: {colour}"]' for colour in written)
        now = f"light-dark({', '.join(inks)})"
        rules.append(f"[data-testid=stPlotlyChart] :is({found}) {{ {part}: {now} !important; }}")
    return "\n".join(rules)


def _element(key: str, rule: str) -> str:
    """Return a rule for the element with a key, or for all whose keys begin with it and a dash."""
    where = f'[class*="st-key-{key}"]' if key.endswith("-") else f".st-key-{key}"
    return f".stElementContainer{where} {{ {rule}; }}"
