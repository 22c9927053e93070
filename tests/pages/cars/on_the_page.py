"""What is done on the cars page, and what is read off it."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

import zoo
from tests.pages import read


def upload(app: AppTest, contents: bytes, name: str = "street.png", key: str = "") -> None:
    if not key:
        (zone,) = read.components(app, "drop_zone")
        key = f"photo-file-{zone['number']}"
    app.file_uploader(key=key).set_value((name, contents, "image/png")).run()
    assert not app.exception


def png(image: Image.Image | np.ndarray) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, "PNG")
    return buffer.getvalue()


def staged(app: AppTest) -> dict:
    (found,) = read.components(app, "mask_viewer")
    return found


def choose(app: AppTest, **changes: object) -> None:
    """Do what the stage does when somebody moves its slider or draws on it."""
    now = app.session_state["cars"]
    now["choice"] = dataclasses.replace(now["choice"], **changes)
    app.run()
    assert not app.exception


def image_in(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(read.image(address))))


def metrics(app: AppTest) -> dict[str, str]:
    """Return the first metric of each name; the page's own come before the record's."""
    return {metric.label: metric.value for metric in reversed(app.metric)}


def percent(app: AppTest, label: str) -> float:
    return float(metrics(app)[label].split("\xa0")[0]) / 100


def is_one_sentence(text: str) -> bool:
    return text[0].isupper() and text.endswith(".") and "\n" not in text and len(text) < 200


def forbid_the_network(monkeypatch) -> None:
    def refuse(*_):
        raise AssertionError("the network was asked again")

    monkeypatch.setattr(zoo.Segmenter, "logits", refuse)
