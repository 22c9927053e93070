"""The objects page, without a browser."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import zoo
from pages.components.crop import crop
from pages.sections import class_answers
from tests.pages import read
from tests.pages.conftest import open_page
from tests.pages.test_digits import BAD, is_one_sentence, seen
from zoo.preprocessing.images import crop_square
from zoo.samples import samples


@pytest.fixture
def objects() -> AppTest:
    """The objects page after its first run."""
    return open_page("objects")


@pytest.fixture(scope="module")
def model() -> zoo.Classifier:
    found = zoo.load("cifar10", source="bundle")
    assert isinstance(found, zoo.Classifier)
    return found


def test_starts_with_a_sample_its_answer_and_its_reasons(objects, model):
    assert not objects.exception
    sample = next(one for one in samples("objects") if one.id == "dog-beagle")
    answer = read.answer(objects)
    expected = model.predict(crop_square(zoo.open_image(sample.path)))
    assert answer["label"] == expected.label
    assert answer["labels"] == [label for label, _ in expected.top(5)]
    assert answer["probabilities"] == pytest.approx([p for _, p in expected.top(5)], abs=1e-3)
    assert seen(answer).shape == (32, 32, 3)
    reasons, _ = read.components(objects, "gallery")
    assert [item["title"] for item in reasons["items"]] == ["What it sees", "Grad-CAM", "Occlusion"]
    assert len({item["image"] for item in reasons["items"]}) == 3


def test_both_explanations_have_a_bar_that_says_their_colours(objects):
    (bars,) = [e.proto.body for e in objects.get("html") if "colour-bar" in e.proto.body]
    assert "from Grad-CAM 0 to strongest" in bars
    assert "from Occlusion" in bars


def test_every_class_has_samples_and_most_typical_ones_are_right(model):
    typical = [sample for sample in samples("objects") if sample.group == "typical"]
    assert [sample.label for sample in typical] == list(model.labels)
    right = [model.predict(sample.path).label == sample.label for sample in typical]
    assert sum(right) >= 8
    assert all(sample.credit for sample in samples("objects"))


def test_the_record_is_told(objects, model):
    record = model.record
    text = " ".join(element.value for element in [*objects.caption, *objects.markdown])
    ood, calibration = record["ood"], record["calibration"]
    assert f"n = {ood['n']:,}" in text
    assert f"{100 * ood['false_alarm_rate']:.1f}" in text
    assert f"{100 * ood['threshold']:.1f}" in text
    assert f"T = {calibration['temperature']:.3f}" in text
    for when in ("before", "after"):
        assert f"{100 * calibration[f'ece_{when}']:.1f} %" in text.replace("\xa0", " ")
    assert f"{record['metrics']['test']['n']:,} test images" in text
    read.to_the_end(objects)
    assert objects.code[0].value == record["command"]
    charts = objects.get("plotly_chart")
    assert len(charts) == 5  # reliability, out-of-distribution images, classes, two curves


def test_the_most_confident_errors_have_their_images_and_both_names(objects, model):
    _, shown = read.components(objects, "gallery")
    assert len(shown["items"]) == len(model.record["confident_errors"]) > 0
    known = {sample.id: sample for sample in samples("cifar10_errors")}
    for item, error in zip(shown["items"], model.record["confident_errors"], strict=True):
        sample = known[f"test-{error['index']:05d}"]
        assert item["title"] == f"{sample.label} → {model.labels[error['predicted']]}"
        assert sample.label == model.labels[error["true"]]
        assert model.predict(sample.path).index == error["predicted"] != error["true"]


def test_the_square_that_was_moved_is_what_the_network_gets(objects, model):
    before = read.answer(objects)
    place(objects, x=1.0, y=0.0, side=0.5)
    answer = read.answer(objects)
    assert answer["number"] == before["number"] + 1
    photo = zoo.open_image(decode(read.components(objects, "crop")[0]["image"]))
    expected = model.model_input_image(crop_square(photo, 1.0, 0.0, 0.5))
    np.testing.assert_array_equal(seen(answer), expected)
    assert not np.array_equal(seen(answer), seen(before))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"x": 0.5, "y": 0.5},
        {"x": -0.1, "y": 0.5, "side": 1},
        {"x": 0.5, "y": 2, "side": 1},
        {"x": 0.5, "y": 0.5, "side": 0.01},
        {"x": float("nan"), "y": 0.5, "side": 1},
        {"x": "0", "y": 0.5, "side": 1},
        {"x": True, "y": 0.5, "side": 1},
        {"x": [0.5], "y": 0.5, "side": 1},
    ],
)
def test_what_is_no_square_is_refused(value):
    assert crop.parse(value) is None


def test_another_class_can_be_explained(objects, model):
    before, _ = read.components(objects, "gallery")
    other = next(label for label in model.labels if label != read.answer(objects)["label"])
    objects.pills(key="explained").set_value(other).run()
    assert not objects.exception
    after, _ = read.components(objects, "gallery")
    assert [item["detail"] for item in after["items"][1:]] == [other, other]
    assert after["items"][0] == before["items"][0]
    assert after["items"][2]["image"] != before["items"][2]["image"]
    upload(objects, jpeg(photo()))  # a new photo: its own answer is explained
    assert objects.pills(key="explained").value is None


def test_a_photo_of_any_shape_is_read_and_kept_small(objects):
    upload(objects, jpeg(photo().resize((3000, 1200))))
    answer = read.answer(objects)
    assert answer.get("error") is None
    (cropped,) = read.components(objects, "crop")
    kept = Image.open(io.BytesIO(decode(cropped["image"])))
    assert kept.size == (1024, 410)
    assert (cropped["x"], cropped["y"], cropped["side"]) == (0.5, 0.5, 1.0)


def test_a_image_of_the_networks_own_size_arrives_unchanged(objects):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    upload(objects, buffer.getvalue())
    np.testing.assert_array_equal(seen(read.answer(objects)), pixels)


@pytest.mark.parametrize("kind", BAD)
def test_a_damaged_file_gets_a_sentence(objects, kind):
    upload(objects, BAD[kind]())
    assert is_one_sentence(read.answer(objects)["error"])
    assert read.components(objects, "crop")[0]["image"] is None
    assert len(read.components(objects, "gallery")) == 1  # the mistakes; nothing to explain
    upload(objects, jpeg(photo()))
    assert read.answer(objects).get("error") is None


@pytest.mark.parametrize("size", [(65_535, 8), (8, 20_000), (3_000, 9)])
def test_an_image_of_an_odd_shape_is_named(objects, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    upload(objects, buffer.getvalue())
    answer = read.answer(objects)
    assert answer.get("error") is None
    assert seen(answer).shape == (32, 32, 3)
    objects.run()  # and again, from what was kept
    assert not objects.exception


def test_the_page_warns_below_the_threshold_and_not_above(objects, model, monkeypatch):
    from pages.common import loaded_models

    running = loaded_models.classifier("cifar10")
    monkeypatch.setattr(class_answers, "to_file", class_answers.to_file.__wrapped__)  # keeps none
    for threshold, warns in ((0.0, False), (1.01, True)):
        config = dict(running.config) | {"ood_threshold": threshold}
        monkeypatch.setattr(running, "config", config)
        objects.run()
        assert ("none of the 10 classes" in read.answer(objects)["note"]) == warns


def test_a_final_run_says_whose_calibration_it_shows(model):
    """A final run learned from the validation images; its calibration is another run's."""

    def page():
        import streamlit as st

        from pages.sections import calibration

        calibration.show(st.session_state["model"])

    other = {"weights": "of the validation run"}
    final = {key: model.record[key] | other for key in ("calibration", "ood")}
    for record, says in ((model.record, "weights" in model.record["calibration"]), (final, True)):
        app = AppTest.from_function(page)
        app.session_state["model"] = SimpleNamespace(record=record)
        captions = [caption.value for caption in app.run().caption]
        assert len(captions) == 2
        assert all(("with the weights of the validation run" in c) == says for c in captions)


def place(app: AppTest, **square: float) -> None:
    """Move the square as the component does, and let the page take it."""
    now = app.session_state["objects"]
    app.session_state["objects"] = now | {
        "square": crop.parse(square),
        "number": now["number"] + 1,
    }
    app.run()
    assert not app.exception


def upload(app: AppTest, contents: bytes) -> None:
    app.file_uploader[0].set_value(("photo.png", contents, "image/png")).run()
    assert not app.exception


def photo() -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, 300), np.linspace(0, 255, 200))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=2).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def decode(address: str) -> bytes:
    return read.image(address)
