"""Focus goes to the heading of a screen that has just been opened, and the view to its top."""

from __future__ import annotations

from pages.components.register import component

_mount = component("screen_focus")


def show(count: int, screen: str) -> None:
    """Move the focus there, once for each new count; it takes no room on the page.

    Args:
        count: How often somebody has gone to another screen; 0 leaves the focus alone, as on the
            first visit.
        screen: Key of the ``st.container`` that holds the screen; its first heading gets the focus.
    """
    _mount(key="screen-focus", data={"count": count, "screen": screen})
