"""What holds for every page, wide and narrow: nothing jumps, nothing is cut off, axe is content.

Opening a page is what takes the time, so each is opened once a width and looked at in all ways.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pages.common import site
from tests.browser import axe
from tests.browser.waiting import drawn, eventually, seen_to_the_end, settled
from tests.shared_app import once
from training.benchmarks.pages import layout_shift
from training.benchmarks.pages.visitors import Visitor

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
CUT_OFF = """
[...document.querySelectorAll('[data-testid=stMain], html, .katex-display')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.dataset.testid ?? e.nodeName}: ${e.scrollWidth} > ${e.clientWidth}`)
"""
# Controls that stand, or whose words stand, in part outside of what shows them.
CUT_CONTROLS = """
() => {
  const controls = "a, button, input, select, textarea, [role=radio], [role=slider]";
  // Tabs have arrows to scroll by; the other two hide an input of the browser's own.
  const others = "[data-testid=stTabs], [data-testid=stCheckbox], [data-testid=stSlider]";
  const found = new Set();
  const parent = (e) => e.assignedSlot ?? e.parentElement ?? e.getRootNode().host;
  const outside = (e) => {
    const box = e.getBoundingClientRect(), words = e.querySelector("p") ?? e;
    if (words.matches("p") && words.scrollWidth > words.clientWidth + 1) return true;
    for (let around = parent(e); around; around = parent(around)) {
      const room = around.getBoundingClientRect();
      const clips = getComputedStyle(around).overflowX !== "visible";
      if (clips && (box.right > room.right + 1 || box.left < room.left - 1)) return true;
    }
    return false;
  };
  const look = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.shadowRoot) look(e.shadowRoot);
      if (!e.matches(controls) || e.closest(others) || !e.checkVisibility()) continue;
      if (e.getBoundingClientRect().width && outside(e))
        found.add((e.ariaLabel || e.textContent.trim() || e.tagName).slice(0, 50));
    }
  };
  look(document.querySelector("[data-testid=stMain]"));
  return [...found];
}
"""
PROJECTOR = {"width": 1024, "height": 768}
# Links and code in the soft colour of captions have too little contrast, whatever the theme.
IN_CAPTIONS = """
[...document.querySelectorAll('[data-testid=stCaptionContainer] :is(a, code)')]
  .map((e) => e.textContent)
"""
# An icon takes the arrow's place, and nothing says any more that there is something to open.
NO_ARROW = """
[...document.querySelectorAll('[data-testid=stExpander] summary')].map((e) => e.textContent)
  .filter((text) => !text.startsWith('keyboard_arrow_'))
"""
# Axe does not look into drawings: words of a chart that are hardly to be told from the page.
FAINT = """
() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const app = document.querySelector("[data-testid=stApp]");
  const page = numbers(getComputedStyle(app).backgroundColor);
  return [...document.querySelectorAll("[data-testid=stPlotlyChart] text")]
    .filter((e) => e.textContent.trim() && e.checkVisibility()).map((e) => {
      const { fill, fillOpacity } = getComputedStyle(e);
      const seen = numbers(fill).map((v, i) => fillOpacity * v + (1 - fillOpacity) * page[i]);
      const [low, high] = [light(seen), light(page)].sort((a, b) => a - b);
      return [e.textContent, (high + 0.05) / (low + 0.05)];
    }).filter(([, contrast]) => contrast < 4.5).map(([text, contrast]) => `${text} ${contrast}`);
}
"""
# An option of a command, such as --data-dir, that a line ends within.
BROKEN = """
[...document.querySelectorAll('[data-testid=stCode] .token.parameter')]
  .filter((e) => e.getClientRects().length > 1).map((e) => e.textContent)
"""
# Colours do not hang on the width, nor what is cut off on the colours: two of the four together.
SCHEMES = {1280: "light", 390: "dark"}
MOST_SHIFT = 0.05
# In pixels, with all experiments recorded; the more of them, the more rows.
TALLEST = {("batch_norm", 1280): 4000, ("batch_norm", 390): 6850}


@pytest.fixture(scope="module")
def seen_url(url: str, common_folder: Path) -> str:
    """Address of the app after somebody has seen every page.

    A page's first visitor on a new server waits, and on a busy machine sees it come in parts.
    """

    def see_all() -> None:
        with Visitor(url) as somebody:
            for entry in site.ENTRIES:
                somebody.open(address(entry))

    once(common_folder, f"seen-{urlsplit(url).port}", see_all)
    return url


def address(entry: site.Entry) -> str:
    return "" if entry is site.ENTRIES[0] else site.name(entry)


@pytest.mark.parametrize(("width", "scheme"), SCHEMES.items())
@pytest.mark.parametrize("entry", site.ENTRIES, ids=lambda entry: entry.title)
def test_a_page_stands_still_fits_and_is_accessible(
    visit: Any, seen_url: str, entry: site.Entry, width: int, scheme: str
) -> None:
    late = layout_shift.Late()  # what a slow machine shows
    page = visit(
        f"{seen_url}/{address(entry)}",
        before=late.watch,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    late.come(page)
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
    seen_to_the_end(page)
    most = TALLEST.get((site.name(entry), width), math.inf)
    height = page.get_by_test_id("stMain").evaluate("e => e.scrollHeight")
    icon = page.evaluate("document.querySelector('link[rel~=icon]').href")
    problems = {
        "axe": axe.problems(page),
        "small": page.evaluate(SMALL),
        "cut off": page.evaluate(CUT_OFF),
        "in captions": page.evaluate(IN_CAPTIONS),
        "without an arrow": page.evaluate(NO_ARROW),
        "faint": page.evaluate(FAINT),
        "broken": page.evaluate(BROKEN),
        "moved": moved(page),
        "endless": height > most and height,
        "not " + scheme: brightness(page) != scheme and brightness(page),
        "title": page.title() != site.tab_title(entry) and page.title(),
        "icon": not icon.startswith(seen_url) and icon,
    }
    if scheme == "light":
        problems |= at_dusk_and_on_a_projector(page)
    assert not any(problems.values()), {name: found for name, found in problems.items() if found}


def at_dusk_and_on_a_projector(page: Page) -> dict[str, Any]:
    """Return what is wrong on a page that is open when the colours change, and then the window.

    One after the other: a chart that is drawn again for the window takes the new colours with it.
    """
    page.emulate_media(color_scheme="dark")
    eventually(page, lambda: brightness(page) == "dark", "the page stays light")
    drawn(page)
    faint = page.evaluate(FAINT)
    page.set_viewport_size(PROJECTOR)
    drawn(page)
    return {
        "faint at dusk": faint,
        "axe, at dusk": axe.problems(page, axe.COLOURS),
        "cut off on a projector": page.evaluate(CUT_CONTROLS) + page.evaluate(CUT_OFF),
    }


def test_the_look_for_controls_would_find_one_that_is_cut_off(visit: Any, seen_url: str) -> None:
    page = visit(f"{seen_url}/cars", viewport=PROJECTOR)
    drawn(page)
    page.add_style_tag(content="[role=radiogroup] { flex-wrap: nowrap !important; width: 150px; }")
    assert "Image" in page.evaluate(CUT_CONTROLS)


def brightness(page: Page) -> str:
    background = page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    mean = sum(int(value) for value in background[4:-1].split(",")[:3]) / 3
    return "light" if mean > 128 else "dark"


def moved(page: Page) -> dict[str, Any] | None:
    """Return what has moved since the page was opened, if it is too much."""
    found = layout_shift.found(page)
    return found if found["page_itself"] > MOST_SHIFT else None


def test_axe_would_find_an_image_without_a_text(visit: Any, url: str) -> None:
    page = visit(f"{url}/about")
    page.evaluate("document.querySelector('[data-testid=stMain] h1').append(new Image())")
    assert any("image-alt" in problem for problem in axe.problems(page))


def test_the_watch_would_see_a_page_jump(visit: Any, url: str) -> None:
    page = visit(f"{url}/about", before=layout_shift.watch)
    drawn(page)
    assert moved(page) is None
    page.evaluate(
        "const wall = document.createElement('div'); wall.style.height = '600px';"
        " document.querySelector('[data-testid=stMainBlockContainer]').prepend(wall)"
    )
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    settled(page)
    assert moved(page)
