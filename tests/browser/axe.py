"""What axe-core finds on a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

_AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# What Streamlit's own markup does wrong, and no page can change: the headings inside the list of
# pages.
_STREAMLITS = ("[data-testid=stSidebarNavItems]",)
_ALL = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = ("color-contrast",)  # the one of them that hangs on the theme
_RUN = """
async ([without, only]) => {
  const found = await axe.run(
    { include: document, exclude: without.map((selector) => [selector]) },
    {
      resultTypes: ["violations"],
      runOnly: only,
    },
  );
  return found.violations
    .filter((violation) => ["critical", "serious"].includes(violation.impact))
    .flatMap((violation) => violation.nodes.map((node) =>
      `${violation.id}: ${node.target.flat().join(" ")} ${node.html.slice(0, 200)}`));
}
"""


def problems(page: Page, only: tuple[str, ...] = _ALL) -> list[str]:
    """Return a line for each node that has a critical or serious problem and is ours.

    Args:
        page: An open page.
        only: Rules of axe, or tags of rules.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN, [_STREAMLITS, only])
    return found
