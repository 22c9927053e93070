"""The few rules that theme tokens cannot give: what takes no room, and what is never small."""

from __future__ import annotations

import streamlit as st

_RULES = """
/* components/link: an element that only changes the address */
[class*="st-key-link-"] { display: none; }

/* components/drop_zone: it hands files to this uploader, which shows itself to say why not */
[class*="st-key-uploader-"]:not(:has([data-testid=stFileChipIconError])) { display: none; }

/* A component arrives a moment after its page: its place is kept, so that nothing moves. */
[class*="st-key-"][class*="-zone"] { min-height: 3.5rem; }
.st-key-car-choices, .st-key-skip-choices { min-height: 9.25rem; }
.st-key-inside-samples { min-height: 4.4rem; }
.st-key-car-stage, .st-key-skip-stage { container-type: inline-size; }
.st-key-stage { min-height: calc(66.67cqw + 11.5rem); }
.st-key-skip-masks { min-height: calc(21cqw + 1.25rem); }
.st-key-skip-sides { min-height: 10rem; }
.st-key-inside-diagram { min-height: 13.4rem; }
.st-key-inside-maps { min-height: 17rem; }
.st-key-inside-pixels { min-height: 14rem; }
.st-key-inside-steps { min-height: 24rem; }
@media (max-width: 640px) {
  .st-key-car-choices, .st-key-skip-choices { min-height: 11rem; }
  .st-key-inside-samples { min-height: 9rem; }
  .st-key-stage { min-height: calc(66.67cqw + 20.5rem); }
  .st-key-skip-masks { min-height: calc(198cqw + 7rem); }
  .st-key-skip-sides { min-height: 30rem; }
  .st-key-inside-diagram { min-height: 17rem; }
}
"""


def show() -> None:
    """Put the rules into the page; they take no room."""
    st.html(f"<style>{_RULES}</style>")
