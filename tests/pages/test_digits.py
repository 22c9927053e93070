"""The digits page, without a browser."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import zoo
from pages.common import loaded_models
from pages.components.drawing_pad import drawing_pad
from pages.sections import class_answers
from tests.pages import read
from zoo.samples import samples


def test_starts_with_a_sample_and_its_answer(digits):
    assert not digits.exception
    answer = read.answer(digits)
    assert answer["label"] == "7"
    assert len(answer["probabilities"]) == len(answer["percents"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert seen(answer).shape == (28, 28)
    decided, layers, _ = read.components(digits, "gallery")
    assert len(decided["items"]) == 2
    network = zoo.load("mnist").network
    names = [name for name in network.layers if name.startswith(("conv", "pool", "bn", "relu"))]
    assert len(layers["items"]) == len(names)
    assert len({item["image"] for item in layers["items"]}) == len(names)


def test_the_training_section_tells_the_record(digits):
    record = zoo.load("mnist").record
    text = " ".join(caption.value for caption in digits.caption)
    assert f"n = {record['metrics']['test']['n']:,}" in text
    assert f"seed {record['seed']}" in text
    assert record["hardware"]["cpu"] in text
    read.to_the_end(digits)
    assert digits.code[0].value == record["command"]
    charts = {chart.key for chart in digits.get("plotly_chart")}
    assert charts == {"ood", "reliability", "class-accuracy", "curve-accuracy", "curve-loss"}


def test_samples_say_truth_and_answer(digits):
    (strip,) = read.components(digits, "thumbnails")
    typical, hard = (group["items"] for group in strip["groups"])
    assert [item["id"] for item in typical] == [s.id for s in samples("digits")[:10]]
    model = zoo.load("mnist")
    truth = {sample.id: sample for sample in samples("digits")}
    for item in hard:
        sample = truth[item["id"]]
        assert item["note"] == f"{sample.label} → {model.predict(sample.path).label}"


def test_every_typical_sample_is_right_and_every_hard_one_wrong():
    model = zoo.load("mnist")
    for sample in samples("digits"):
        right = model.predict(sample.path).label == sample.label
        assert right == (sample.group == "typical"), sample


def test_a_drawing_kept_in_the_session_is_answered(digits):
    digits.session_state["digits"] = {
        "kind": "drawing",
        "number": 5,
        "token": 1,
        "image": png(drawn()),
        "strokes": [[500, 200, 480, 800]],
    }
    digits.run()
    assert not digits.exception
    assert read.answer(digits)["label"] == "1"
    assert read.components(digits, "drawing_pad")[0]["strokes"] == [[500, 200, 480, 800]]


def test_an_empty_pad_gets_a_sentence(digits):
    digits.session_state["digits"] = {
        "kind": "drawing",
        "number": 2,
        "token": 1,
        "image": png(Image.new("L", (280, 280))),
        "strokes": [],
    }
    digits.run()
    assert not digits.exception
    assert is_one_sentence(read.answer(digits)["error"])
    assert_nothing_is_explained(digits)


GOOD = {
    "jpeg": lambda: encode(photo(), "JPEG"),
    "cmyk": lambda: encode(photo().convert("CMYK"), "JPEG"),
    "16-bit": lambda: encode(
        Image.fromarray(np.asarray(photo().convert("L")).astype(np.uint16) * 257), "PNG"
    ),
    "transparent": lambda: encode(transparent(), "PNG"),
    "animated": lambda: encode(
        photo(), "GIF", save_all=True, append_images=[Image.new("RGB", (240, 320), "white")]
    ),
}
BAD = {
    "text": lambda: b"this is not an image",
    "empty": lambda: b"",
    "one pixel": lambda: png(Image.new("L", (1, 1))),
    "cut off": lambda: encode(photo(), "PNG")[:400],
    "bomb": lambda: bomb(30_000, 30_000),
}


@pytest.mark.parametrize("kind", GOOD)
def test_unusual_images_are_read(digits, kind):
    upload(digits, GOOD[kind]())
    assert read.answer(digits).get("error") is None
    assert read.answer(digits)["label"] == "1"


@pytest.mark.parametrize("kind", BAD)
def test_bad_images_get_a_sentence(digits, kind):
    upload(digits, BAD[kind]())
    assert is_one_sentence(read.answer(digits)["error"])
    assert_nothing_is_explained(digits)


URL = "data:image/png;base64," + base64.b64encode(b"anything").decode()


def test_the_page_warns_below_the_threshold_and_not_above(digits, monkeypatch):
    running = loaded_models.classifier("mnist")
    monkeypatch.setattr(class_answers, "to_file", class_answers.to_file.__wrapped__)  # keeps none
    for threshold, warns in ((0.0, False), (1.01, True)):
        config = dict(running.config) | {"ood_threshold": threshold}
        monkeypatch.setattr(running, "config", config)
        digits.run()
        assert ("may be no single digit" in read.answer(digits)["note"]) == warns


def test_the_pad_accepts_a_drawing():
    drawing = drawing_pad.parse({"strokes": [[0, 0, 1000, 1000]], "png": URL})
    assert drawing == drawing_pad.Drawing([[0, 0, 1000, 1000]], b"anything")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        {},
        {"strokes": [], "png": "data:image/svg+xml;base64,AAAA"},
        {"strokes": [], "png": "data:image/png;base64,*"},
        {"strokes": [], "png": "data:image/png;base64," + "A" * 300_000},
        {"strokes": [[0, 0]] * 61, "png": URL},
        {"strokes": [[0] * 5000], "png": URL},
        {"strokes": [[0, 1, 2]], "png": URL},
        {"strokes": [[0, 1001]], "png": URL},
        {"strokes": [["0", "1"]], "png": URL},
        {"strokes": [[0, float("nan")]], "png": URL},
        {"strokes": "0 0", "png": URL},
    ],
)
def test_the_pad_refuses_what_is_no_drawing(value):
    assert drawing_pad.parse(value) is None


def assert_nothing_is_explained(app) -> None:
    """The images are dark, but there, so that the page keeps its place."""
    for shown in read.components(app, "gallery")[:2]:
        for item in shown["items"]:
            encoded = read.image(item["image"])
            pixels = np.asarray(Image.open(io.BytesIO(encoded)).convert("L"))
            assert pixels.max() < 60, item["title"]


def test_the_pad_says_when_it_shows_its_image_again():
    value = {"strokes": [], "png": URL}
    assert not drawing_pad.parse(value).image
    assert drawing_pad.parse(value | {"image": True}).image
    assert not drawing_pad.parse(value | {"image": "yes"}).image


def upload(app, contents: bytes) -> None:
    app.file_uploader[0].set_value(("digit.png", contents, "image/png")).run()
    assert not app.exception


def is_one_sentence(text: str) -> bool:
    return text[0].isupper() and text.endswith(".") and "\n" not in text and len(text) < 200


def seen(answer) -> np.ndarray:
    encoded = read.image(answer["sees"])
    return np.asarray(Image.open(io.BytesIO(encoded)))


def drawn() -> Image.Image:
    image = Image.new("L", (280, 280))
    ImageDraw.Draw(image).line([(146, 50), (136, 230)], fill=255, width=22)
    return image


def photo() -> Image.Image:
    image = Image.new("RGB", (240, 320), (228, 224, 215))
    ImageDraw.Draw(image).line([(126, 70), (118, 250)], fill=(30, 34, 60), width=14)
    return image


def transparent() -> Image.Image:
    image = Image.new("RGBA", (240, 320), (0, 0, 0, 0))
    ImageDraw.Draw(image).line([(126, 70), (118, 250)], fill=(0, 0, 0, 255), width=14)
    return image


def encode(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png(image: Image.Image) -> bytes:
    return encode(image, "PNG")


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file whose header promises far too many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


@pytest.mark.parametrize("text", ["42", "10", "A", "K"])
def test_what_is_no_single_digit_warns(digits, text):
    page = Image.new("L", (280, 280), 255)
    font = ImageFont.load_default(170)
    ImageDraw.Draw(page).text((140, 140), text, 0, font, anchor="mm")
    upload(digits, png(page))
    assert "may be no single digit" in read.answer(digits)["note"]


def test_a_sample_digit_does_not_warn_and_the_page_tells_how_often_it_is_noticed(digits):
    assert read.answer(digits)["note"] == ""
    ood = zoo.load("mnist").record["ood"]
    text = " ".join(caption.value for caption in digits.caption)
    assert f"{100 * ood['false_alarm_rate']:.1f}" in text
    assert f"n = {ood['n']:,}" in text
