"""The interview in a real browser: three questions played through, a link, a mock interview."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from pages.components import prediction as component_module
from tests.browser import axe
from tests.browser.waiting import eventually, settled

PHONE = {"width": 390, "height": 844}
PIN_IS_BELOW = """
svg => [...svg.querySelectorAll("text.strong, circle")]
  .every((mark) => svg.querySelector(".pin").compareDocumentPosition(mark) & 4)
"""


def component(page: Page, kind: str) -> Locator:
    return page.locator(f".prediction[data-kind={kind}]")


def to_prediction(page: Page) -> None:
    page.get_by_role("button", name="Make a prediction").click()
    expect(page.locator(".prediction[data-ready]")).to_be_visible()


def commit(page: Page) -> Locator:
    page.get_by_role("button", name="This is my prediction").click()
    shown = page.locator(".prediction[data-revealed]")
    expect(shown).to_be_visible()
    return shown.locator(".verdict")


def draw(page: Page, heights: list[float]) -> None:
    """Draw a curve through the whole chart, with the mouse; heights from 0 (top) to 1."""
    box = page.locator(".prediction svg").bounding_box()
    assert box
    last = len(heights) - 1
    spots = [
        (box["x"] + 62 + i / last * (box["width"] - 78), box["y"] + 44 + h * (box["height"] - 110))
        for i, h in enumerate(heights)
    ]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots:
        page.mouse.move(*spot, steps=3)
    page.mouse.up()


def test_a_number_is_guessed_once_and_measured(visit, url) -> None:
    page = visit(f"{url}/interview?q=7")
    expect(page.get_by_role("heading", name="Why skip connections?")).to_be_visible()
    expect(page.get_by_text("3 Measured")).to_have_count(0)
    to_prediction(page)
    button = page.get_by_role("button", name="This is my prediction")
    expect(button).to_be_disabled()  # the slider's start is nobody's guess
    dots = page.locator(".prediction .dot")
    expect(dots).to_have_count(2)  # of the variant that is known
    slider = page.get_by_role("slider")
    box = slider.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 2)
    expect(button).to_be_enabled()
    off = re.compile(r"You said [\d.]+\s%, measured is [\d.]+\s%: [\d.]+\spoints off")
    expect(commit(page)).to_contain_text(off)
    expect(dots).to_have_count(4)
    expect(page.locator(".prediction .pin")).to_have_count(1)
    assert page.locator(".prediction svg").evaluate(PIN_IS_BELOW)  # it crosses out no name
    expect(page).to_have_url(re.compile(r"progress=7p\w+"))
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("a prediction is given once")).to_be_visible()
    expect(page.locator(".prediction")).to_have_count(0)


def test_a_curve_is_drawn_and_the_question_read_to_its_end(visit, url) -> None:
    page = visit(f"{url}/interview?q=11")
    to_prediction(page)
    expect(page.locator(".prediction .line")).to_have_count(0)
    draw(page, [0.5] * 9)
    expect(page.locator(".handle[data-open]")).to_have_count(0)
    expect(commit(page)).to_contain_text("points off on average")
    expect(page.locator(".prediction .line")).to_have_count(1)
    expect(page.locator(".prediction .drawn")).to_have_count(1)
    page.get_by_role("button", name="The answer").click()
    expect(page.get_by_text("subtracts")).to_be_visible()
    expect(page).to_have_url(re.compile("progress=11a"))
    page.get_by_text("6 Follow-ups").click()
    page.get_by_text("Before or after the activation?").click()
    expect(page.get_by_text("Measured, that is a tie")).to_be_visible()
    page.get_by_text("8 Sources").click()
    expect(page.get_by_role("link", name=re.compile("Ioffe"))).to_be_visible()
    page.get_by_role("button", name="All twelve").click()
    expect(page.get_by_text("1 of 12 answered")).to_be_visible()


def test_a_choice_by_keyboard_alone(visit, url) -> None:
    page = visit(f"{url}/interview?q=12")
    settled(page)
    page.get_by_role("button", name="Make a prediction").press("Enter")
    expect(page.get_by_role("heading", name="U-Net, FCN, LinkNet, FPN")).to_be_focused()
    first = page.locator(".prediction").get_by_role("radio").first
    expect(first).to_be_visible()
    expect(page.locator(".prediction [data-right]")).to_have_count(0)
    first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="This is my prediction")).to_be_focused()
    page.keyboard.press("Enter")
    shown = page.locator(".prediction[data-revealed]")
    expect(shown.locator("label[data-right]")).to_have_count(1)
    expect(shown.locator(".dot").first).to_be_visible()
    expect(page.get_by_role("heading", name="Validation IoU")).to_be_focused()
    page.get_by_role("button", name="All twelve").press("Enter")
    expect(page.get_by_role("heading", name="The interview")).to_be_focused()


def test_a_curve_by_keyboard_alone(visit, url) -> None:
    page = visit(f"{url}/interview?q=8")
    to_prediction(page)
    handles = page.get_by_role("slider")
    count = handles.count()
    for number in range(count):
        handles.nth(number).focus()
        page.keyboard.press("ArrowUp")
        expect(handles.nth(number)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".prediction[data-revealed] .verdict")).to_contain_text(
        re.compile("our curve is .* off on average")
    )


FOLDER = Path(component_module.__file__).parent
ORDER = {
    "id": "q-asked",
    "kind": "order",
    "alt": "Which is first",
    "scale": {"low": 0, "high": 1, "form": "percent:0", "log": False, "label": "Share"},
    "ticks": [{"at": 0, "text": "0"}, {"at": 1, "text": "100 %"}],
    "groups": [],
    "items": ["Dropout", "Data", "Decay", "Flips"],
    "ends": ["Best", "Worst"],
    "options": [],
    "start": 0,
    "revealed": False,
}


def test_an_order_is_dragged_and_moved_by_keys(contexts) -> None:
    """The component alone: whether a question asks for an order depends on what is recorded."""
    page = contexts(viewport=PHONE).new_page()
    parts = ("scale", "dots", "order", "curve", "prediction")
    script = "".join((FOLDER / f"{part}.js").read_text(encoding="utf-8") for part in parts)
    page.set_content(
        f"<style>{(FOLDER / 'prediction.css').read_text(encoding='utf-8')}</style>"
        f"<main>{(FOLDER / 'prediction.html').read_text(encoding='utf-8')}</main>"
    )
    script = script.replace("export default function", "window.show = function")
    page.add_script_tag(content=script)
    page.evaluate(
        "data => show({ parentElement: document.querySelector('main'), data,"
        " setTriggerValue: (name, value) => { window.sent = value; } })",
        ORDER,
    )
    names = page.locator(".items .name")
    first, third = page.locator(".items li").nth(0), page.locator(".items li").nth(2)
    start, end = first.bounding_box(), third.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 60, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, end["y"] + 30, steps=12)
    page.mouse.up()
    assert names.all_inner_texts() == ["Data", "Decay", "Dropout", "Flips"]
    page.get_by_role("button", name="Move “Flips” up").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert names.all_inner_texts() == ["Data", "Flips", "Decay", "Dropout"]
    page.get_by_role("button", name="This is my prediction").click()
    assert page.evaluate("window.sent.value") == [1, 3, 2, 0]
    page.close()


def test_a_link_keeps_the_guess_and_opens_the_question(visit, url) -> None:
    page = visit(f"{url}/interview?q=12&progress=12p2.7aVV")
    page.get_by_text("3 Measured").click()
    expect(page.locator(".prediction .tag").first).to_contain_text("your choice")
    page.get_by_role("button", name="All twelve").click()
    expect(page.get_by_text(re.compile(r"Predicted$"))).to_have_count(1)
    expect(page.get_by_text("1 of 12 answered")).to_be_visible()


def test_a_phone_draws_with_a_finger_and_nothing_overflows(visit, url) -> None:
    page = visit(f"{url}/interview?q=1", viewport=PHONE, has_touch=True)
    to_prediction(page)
    draw(page, [0.1, 0.3, 0.5, 0.7, 0.9, 0.7, 0.6, 0.5, 0.4, 0.3])
    commit(page)
    settled(page)
    wide = page.evaluate("[...document.querySelectorAll('html, [data-testid=stMain]')]"
                         ".map((e) => e.scrollWidth - e.clientWidth)")  # fmt: skip
    assert max(wide) <= 1
    small = page.locator(".prediction").evaluate(
        "e => [...e.querySelectorAll('*')].filter((x) => x.textContent && !x.children.length)"
        ".map((x) => parseFloat(getComputedStyle(x).fontSize)).filter((size) => size < 12)"
    )
    assert small == []


def test_a_mock_interview_stays_in_the_browser(visit, url, tmp_path) -> None:
    page = visit(f"{url}/interview?mock=1")
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda f: sent.append(str(f))))
    page.get_by_role("button", name="I choose").click()
    page.get_by_label("7 Why skip connections?").check()
    page.get_by_role("button", name="Start").click()
    clock = page.get_by_role("timer")
    eventually(page, lambda: clock.inner_text() != "0:00", "the clock stands still")
    page.get_by_role("textbox", name="Your answer").fill("Detail | from the side")
    page.reload()  # nothing is lost
    expect(page.get_by_role("textbox", name="Your answer")).to_have_value("Detail | from the side")
    page.get_by_role("button", name="I have answered").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="I have answered").click()
    page.get_by_role("button", name="See the report").click()
    expect(page.get_by_role("heading", name=re.compile(r"1 of \d+ key points"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as Markdown").click()
    path = Path(tmp_path) / "report.md"
    download.value.save_as(path)
    text = path.read_text(encoding="utf-8")
    assert "> Detail | from the side" in text
    assert "- [x] " in text
    assert "## Read again" in text
    assert not any("from the side" in frame for frame in sent)
    page.get_by_role("link", name=re.compile("Question 7")).click()
    expect(page.get_by_role("heading", name="Why skip connections?")).to_be_visible()


def test_every_screen_on_a_projector_is_whole_has_the_focus_and_passes_axe(visit, url) -> None:
    """One visit that goes through all screens, dark, with the keyboard."""
    page = visit(
        f"{url}/interview?q=6", viewport={"width": 1024, "height": 768}, color_scheme="dark"
    )
    settled(page)
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # an arrival takes no focus
    following = ["Make a prediction", "", "The answer", "Why is it so?", "What they ask next",
                 "What not to say", "Sources and commands"]  # fmt: skip
    for number, button in enumerate(following, start=1):
        if button:
            page.get_by_role("button", name=button, exact=True).press("Enter")
        else:
            page.locator(".items button").first.press("ArrowDown")
            page.get_by_role("button", name="This is my prediction").press("Enter")
        screen = page.locator(f".st-key-interview-step-{number + 1}")
        expect(screen.get_by_role("heading").first).to_be_focused()
        settled(page)
        assert not axe.problems(page), button
        if button == "Why is it so?":  # there is code, whose colours are the theme's
            page.emulate_media(color_scheme="light")
            settled(page)
            assert not axe.problems(page), f"{button}, light"
            page.emulate_media(color_scheme="dark")
            settled(page)
        cut_off = page.evaluate(
            "[...document.querySelectorAll('html, [data-testid=stMain]')]"
            ".some((e) => e.scrollWidth > e.clientWidth + 1)"
        )
        assert not cut_off, button
    expect(page.get_by_text("Ask somebody else")).to_be_visible()
