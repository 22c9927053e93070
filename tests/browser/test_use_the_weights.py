"""The page "Use the weights", in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import zoo


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(visit, url, width, scheme):
    page = visit(
        f"{url}/use_the_weights",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    expect(page.get_by_role("heading", name="Use the weights")).to_be_visible()
    sha256 = zoo.info(zoo.list_models()[0]).sha256
    expect(page.get_by_text(sha256)).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("box => box.scrollWidth <= box.clientWidth"), "it scrolls sideways"


def test_each_way_has_code_to_copy(visit, url):
    page = visit(f"{url}/use_the_weights")
    for way, code in (
        ("Python", 'zoo.load("mnist"'),
        ("torch.hub", 'torch.hub.load(".", "mnist"'),
        ("Command line", "python -m zoo"),
    ):
        page.get_by_role("tab", name=way, exact=True).click()
        block = page.get_by_role("tabpanel").filter(visible=True).get_by_test_id("stCode")
        expect(block).to_contain_text(code)
        block.hover()
        expect(block.get_by_role("button", name="Copy")).to_be_visible()
