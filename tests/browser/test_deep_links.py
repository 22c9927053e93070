"""A link shows the same on a server that nobody has visited yet: five pages, one server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

import zoo
from training.benchmarks.pages.page_wait import app
from zoo.samples import samples


def pressed(page: Page, sample: str) -> None:
    """The sample with this id is the chosen one."""
    expect(page.locator(f".strip button[data-id='{sample}']")).to_have_attribute(
        "aria-pressed", "true", timeout=120_000
    )


def digits(page: Page) -> None:
    sample = samples("digits")[5]
    pressed(page, sample.id)
    expect(page.locator(".answer .label")).to_have_text(sample.label)
    expect(page.get_by_test_id("stSidebarNav").get_by_text("Models")).to_be_visible()


def objects(page: Page) -> None:
    pressed(page, samples("objects")[4].id)
    expect(page.locator(".crop output")).to_have_text("50 %")
    explained = page.locator(".gallery").first.locator("figure")
    expect(explained.nth(1)).to_contain_text("ship")


def feature_maps(page: Page) -> None:
    expect(page.get_by_role("radio", name="Objects")).to_be_checked()
    expect(page.locator(".steps")).to_have_attribute("data-token", "block1.act1-3-1-2")


def skip_connections(page: Page) -> None:
    expect(page.locator(".gallery figcaption b").first).to_have_text("With 2 of 4", timeout=120_000)


def experiments(page: Page) -> None:
    question = zoo.experiment("batch_norm_folding").question
    expect(page.get_by_role("heading", name=question)).to_be_visible()


LINKS: dict[str, Callable[[Page], None]] = {
    f"digits?sample={samples('digits')[5].id}": digits,
    f"objects?sample={samples('objects')[4].id}&side=0.5&explained=ship": objects,
    "feature_maps?model=cifar10&layer=block1.act1&channel=3&row=1&column=2": feature_maps,
    "skip_connections?sample=red-coupe-gravel&kept=0.2&fill=mean": skip_connections,
    "experiments?experiment=batch_norm_folding": experiments,
}


@pytest.fixture(scope="module")
def unvisited() -> Iterator[str]:
    """Address of an app that only these links are opened on."""
    with app() as address:
        yield address


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.partition("?")[0])
def test_a_link_shows_the_same_on_a_fresh_server(unvisited: str, visit, link: str) -> None:
    page = visit(f"{unvisited}/{link}")
    LINKS[link](page)
    name, _, choices = link.partition("?")
    path, held = page.evaluate("[location.pathname, location.search]")
    assert path == f"/{name}"
    assert sorted(held[1:].split("&")) == sorted(choices.split("&"))  # it can be handed on
