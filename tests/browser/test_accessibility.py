"""axe-core finds nothing critical or serious on any page, light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from pages.common import site
from tests.browser.waiting import settled

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# What Streamlit's own markup does wrong, and no page can change: the headings inside the list of
# pages, and the box around st.table, which scrolls.
STREAMLITS = ("[data-testid=stSidebarNavItems]", "[data-testid=stTable]")
RUN = """
async (without) => {
  const found = await axe.run(
    { include: document, exclude: without.map((selector) => [selector]) },
    {
      resultTypes: ["violations"],
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    },
  );
  return found.violations
    .filter((violation) => ["critical", "serious"].includes(violation.impact))
    .flatMap((violation) => violation.nodes.map((node) =>
      `${violation.id}: ${node.target.flat().join(" ")} ${node.html.slice(0, 200)}`));
}
"""
# What is written smaller than 12 pixels; in a drawing, as it is scaled.
SMALL = """
() => {
  const found = new Set();
  const hidden = (style) =>
    style.visibility === "hidden" || style.clip !== "auto" || style.clipPath !== "none";
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
      const text = own.map((node) => node.textContent.trim()).join("");
      const box = element.getBoundingClientRect(), style = getComputedStyle(element);
      if (!text || !box.width || !box.height || hidden(style)) continue;
      if (element.closest(".katex, style")) continue;
      const scale = element.ownerSVGElement ? Math.abs(element.getScreenCTM()?.a ?? 1) : 1;
      const size = parseFloat(style.fontSize) * scale;
      if (size > 0 && size < 11.9) found.add(`${size.toFixed(1)} px: ${text.slice(0, 40)}`);
    }
  };
  look(document.querySelector("[data-testid=stMain]"));
  return [...found];
}
"""


@pytest.mark.parametrize("entry", site.ENTRIES, ids=lambda entry: entry.title)
def test_axe_finds_nothing_serious_and_no_text_is_tiny(
    visit: Any, url: str, entry: site.Entry
) -> None:
    page = visit(url if entry is site.ENTRIES[0] else f"{url}/{site.name(entry)}")
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
    settled(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found, small = {}, {}
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        small[width] = page.evaluate(SMALL)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            settled(page)
            found[width, scheme] = page.evaluate(RUN, STREAMLITS)
    assert not any(found.values()), found
    assert not any(small.values()), small


def test_axe_would_find_an_image_without_a_text(visit: Any, url: str) -> None:
    page = visit(f"{url}/about")
    page.evaluate("document.querySelector('[data-testid=stMain] h1').append(new Image())")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert any("image-alt" in problem for problem in page.evaluate(RUN, STREAMLITS))


@pytest.mark.parametrize("entry", site.ENTRIES, ids=lambda entry: entry.title)
def test_the_tab_has_the_pages_title_and_the_apps_icon(
    visit: Any, url: str, entry: site.Entry
) -> None:
    page = visit(url if entry is site.ENTRIES[0] else f"{url}/{site.name(entry)}")
    expect(page).to_have_title(site.tab_title(entry))
    icon = page.evaluate("document.querySelector('link[rel~=icon]').href")
    assert icon.startswith(url)
