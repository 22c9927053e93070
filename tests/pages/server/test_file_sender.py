"""What all visitors get has an address, which browsers may keep for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from pages.common import shared_files
from pages.images import encoding, shared_images
from pages.server.file_sender import FileSender

PNG = (Path(__file__).parents[3] / "static" / "favicon.png").read_bytes()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A server with the files, at first without any."""
    monkeypatch.setattr(shared_files, "_kept", {})
    return TestClient(Starlette(middleware=[Middleware(FileSender)]))


def test_an_address_leads_to_the_image_and_is_kept_for_good(client: TestClient) -> None:
    address = shared_images.address(PNG)
    answer = client.get(address)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert client.head(address).content == b""
    assert shared_images.address(PNG) == address
    assert shared_images.address(PNG + b" ") != address  # another image, another address


def test_a_script_is_sent_as_one(client: TestClient) -> None:
    address = shared_files.address(b"export default 1;", "js")
    assert address is not None
    assert client.get(address).headers["content-type"].startswith("text/javascript")


def test_what_is_not_there_may_come_later(client: TestClient) -> None:
    address = shared_images.address(PNG)
    shared_files._kept.clear()
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    for name in ("..%2fapp.py", "x.svg", "%00"):
        assert client.get(f"/{shared_files.PLACE}/{name}").status_code == 404
    assert client.post(address).status_code == 404  # somebody else's business


def test_without_room_and_when_it_is_small_an_address_holds_the_image(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_files, "MOST", 2 * len(PNG) - 1)
    first = shared_images.address(PNG)
    assert shared_images.address(PNG + b" ") == encoding.data_url(PNG + b" ")
    assert shared_images.address(PNG) == first
    assert client.get(first).content == PNG
    assert shared_images.address(PNG[:500]) == encoding.data_url(PNG[:500])
