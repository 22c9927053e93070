"""The page "Use the weights", in a real browser."""

from __future__ import annotations

import hashlib
from pathlib import Path

from playwright.sync_api import expect

import zoo


def test_each_way_has_code_to_copy_and_a_file_arrives_as_it_is(visit, url):
    page = visit(f"{url}/use_the_weights")
    sha256 = zoo.info(zoo.list_models()[0]).sha256
    expect(page.get_by_text(f"sha256 {sha256}")).to_be_visible()
    for way, code in (
        ("zoo", 'zoo.load("mnist"'),
        ("PyTorch alone", "from network import build"),
        ("torch.hub", 'torch.hub.load(".", "mnist"'),
        ("Command line", "python -m zoo"),
        ("curl", f"{url}/api/predict/mnist"),
        ("Python", f'api = "{url}/api"'),
        ("JavaScript", f'const api = "{url}/api"'),
    ):
        page.get_by_role("tab", name=way, exact=True).click()
        block = page.get_by_test_id("stCode").filter(has_text=code, visible=True).first
        block.hover()
        expect(block.get_by_role("button", name="Copy")).to_be_visible()
    with page.expect_download() as arriving:
        page.get_by_role("button", name="model.safetensors").click()
    contents = Path(arriving.value.path()).read_bytes()
    assert hashlib.sha256(contents).hexdigest() == sha256


def test_the_apis_page_answers(visit, url):
    """It is no page of Streamlit's; the form asks with an example if no file is chosen."""
    page = visit(f"{url}/about")
    page.goto(f"{url}/api/docs")
    page.get_by_label("Model").select_option("carvana")
    page.get_by_label("Answer").select_option("cutout")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("img", name="The cutout")).to_be_visible()
    page.get_by_label("Answer").select_option("json")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status")).to_contain_text('"uncertain_area"')
