"""The address that the drawing pad asks: the same answer as the page's, and no way to be abused."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.testclient import TestClient

import zoo
from pages.common import loaded_models
from pages.sections import digit_answer
from pages.server import live_answer


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[live_answer.route("/app")]))


def ask(client: TestClient, body: bytes):
    return client.post(f"/app/{live_answer.PATH}", content=body)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def one() -> Image.Image:
    image = Image.new("RGB", (140, 140))
    ImageDraw.Draw(image).line((73, 28, 67, 112), fill="white", width=11)
    return image


def test_a_drawing_gets_the_answer_that_the_page_gives(client: TestClient) -> None:
    answer = ask(client, encoded(one()))
    assert answer.status_code == 200
    assert answer.json()["label"] == "1"
    model = loaded_models.classifier("mnist")
    assert answer.json() == digit_answer.to_file(model, encoded(one())).said
    assert answer.json()["probabilities"][1] == pytest.approx(
        zoo.load("mnist").predict(one()).confidence, abs=1e-4
    )


def test_nothing_drawn_gets_the_pages_sentence(client: TestClient) -> None:
    said = ask(client, encoded(Image.new("RGB", (140, 140)))).json()
    assert said["error"].endswith(".")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no image", 400),
        (encoded(one(), "GIF"), 400),
        (encoded(Image.new("1", (2000, 2000))), 400),
        (encoded(one()) + bytes(live_answer.LARGEST), 413),
    ],
    ids=["empty", "text", "GIF", "many pixels", "many bytes"],
)
def test_what_no_pad_sends_is_refused(client: TestClient, body: bytes, status: int) -> None:
    assert ask(client, body).status_code == status


def test_a_network_that_cannot_be_loaded_breaks_nothing(client: TestClient, monkeypatch) -> None:
    def broken(_name: str) -> None:
        raise zoo.ZooError("The weights are not there.")

    monkeypatch.setattr(loaded_models, "shared", broken)
    assert ask(client, encoded(one())).status_code == 503
