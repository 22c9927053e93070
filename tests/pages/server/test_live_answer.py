"""The address that the drawing pad asks: the same answer as the page's, and no way to be abused."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.testclient import TestClient

import zoo
from pages.common import loaded_models
from pages.sections import class_answers
from pages.server import live_answer
from zoo.samples import samples


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=live_answer.routes("/app")))


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
    assert answer.json() == class_answers.to_file(model, encoded(one())).said
    assert answer.json()["probabilities"][1] == pytest.approx(
        zoo.load("mnist").predict(one()).confidence, abs=1e-4
    )


@pytest.mark.parametrize(("collection", "name"), [("digits", "mnist"), ("objects", "cifar10")])
def test_a_sample_gets_the_answer_and_its_picture(
    client: TestClient, collection: str, name: str
) -> None:
    if name not in zoo.list_models():
        pytest.skip(f"the zoo has no {name}")
    for sample in samples(collection)[:3]:
        found = client.get(f"/app/{live_answer.SAMPLE_PATH}/{collection}/{sample.id}").json()
        picture = found.pop("picture")
        assert picture["description"] == sample.description
        model = loaded_models.classifier(name)
        square = class_answers.WHOLE if collection == "objects" else None
        assert found == class_answers.to_file(model, sample.read(), square).said
        assert found["label"].rstrip("?") == model.predict(sample.path).label


@pytest.mark.parametrize("path", ["digits/nothing", "nothing/7", "cars/red", "digits/.."])
def test_a_sample_that_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(f"/app/{live_answer.SAMPLE_PATH}/{path}").status_code == 404


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
