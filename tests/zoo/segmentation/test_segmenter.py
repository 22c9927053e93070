"""A segmentation model: its working size, its answers, and what loading refuses."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from tests import cars, red_cars
from zoo.errors import ImageError, IntegrityError
from zoo.graph.folding import Folded, fold
from zoo.loading import load_folder
from zoo.results import Segmentation
from zoo.segmentation import components


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, contents in cars.model_files().items():
        (tmp_path / name).write_bytes(contents)
    return tmp_path


@pytest.fixture
def model(folder: Path) -> zoo.Segmenter:
    model = load_folder("carvana", folder, device="cpu")
    assert isinstance(model, zoo.Segmenter)
    return model


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def scene(width: int, height: int, box: tuple[float, ...] = (0.2, 0.3, 0.8, 0.7)) -> Image.Image:
    """A red box on blue; the box as fractions of the image."""
    image = Image.new("RGB", (width, height), (20, 40, 200))
    sides = (width, height, width, height)
    left, top, right, bottom = (round(part * side) for part, side in zip(box, sides, strict=True))
    image.paste((200, 40, 20), (left, top, right, bottom))
    return image


@pytest.mark.parametrize(
    ("size", "low_res_probabilities"),
    [
        ((1918, 1280), (64, 43)),
        ((1280, 1918), (43, 64)),
        ((64, 43), (64, 43)),
        ((30, 20), (64, 43)),  # enlarged: a thumbnail's car is no smaller a car
        ((500, 8), (64, 1)),
    ],
)
def test_the_network_sees_the_images_shape_at_the_working_size(
    model: zoo.Segmenter, size: tuple[int, int], low_res_probabilities: tuple[int, int]
) -> None:
    image = Image.new("RGB", size)
    width, height = low_res_probabilities
    assert model.model_input_image(image).shape == (height, width, 3)
    assert model.preprocess(image).shape == (3, height, width)
    answer = model.predict(image)
    assert answer.low_res_probabilities.shape == (height, width)
    assert answer.probabilities.shape == size[::-1]
    assert answer.mask.shape == size[::-1]


def test_predict_is_the_network_on_the_prepared_image(model: zoo.Segmenter) -> None:
    image = noise(100, 150)
    inputs = model.preprocess(image)
    np.testing.assert_allclose(
        inputs.transpose(1, 2, 0) * 0.25 + 0.5, model.model_input_image(image) / 255, atol=1e-6
    )
    with torch.inference_mode():  # not folded
        logits = model.network(torch.from_numpy(inputs)[None])[0, 0]
    assert isinstance(model.network.down[0].first.bn, torch.nn.BatchNorm2d)
    assert not model.network.training
    answer = model.predict(image)
    expected = components.hysteresis_threshold(torch.sigmoid(logits).numpy(), answer.threshold)
    np.testing.assert_allclose(answer.low_res_probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(model.logits(inputs[None])[0, 0], logits.numpy(), atol=1e-4)
    assert answer.low_res_probabilities.dtype == answer.probabilities.dtype == np.float32
    assert answer.seconds > 0


def test_an_answers_time_does_not_hold_the_copy_that_the_first_one_makes(
    model: zoo.Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = 2.0

    def slowly(network: torch.nn.Module, example: np.ndarray) -> Folded:
        time.sleep(wait)
        return fold(network, example)

    monkeypatch.setattr("zoo.graph.folding.fold", slowly)
    start = time.perf_counter()
    answer = model.predict(noise(43, 64))
    assert time.perf_counter() - start > wait  # made now, for this answer
    assert answer.seconds < wait


def test_at_the_working_size_the_answer_is_the_networks_own(model: zoo.Segmenter) -> None:
    answer = model.predict(noise(43, 64))
    np.testing.assert_array_equal(answer.probabilities, answer.low_res_probabilities)


def test_a_red_thing_is_found_where_it_is() -> None:
    image = scene(600, 400)
    answer = red_cars.red_model().predict(image)
    true = np.asarray(image)[:, :, 0] > 100
    assert (answer.mask & true).sum() / (answer.mask | true).sum() > 0.97
    assert answer.area == pytest.approx(0.6 * 0.4, rel=0.03)
    assert answer.found
    assert (answer.label, answer.threshold) == ("car", 0.5)
    assert answer.probabilities.min() >= 0
    assert answer.probabilities.max() <= 1


def test_a_image_without_one_is_said_to_have_none() -> None:
    model = red_cars.red_model()
    nothing = model.predict(scene(300, 200, (0, 0, 0, 0)))
    assert (nothing.found, nothing.area) == (False, 0)
    speck = scene(300, 200, (0.5, 0.5, 0.56, 0.56))
    assert model.predict(speck).area > 0
    assert not model.predict(speck).found
    assert red_cars.red_model(min_area=0.001).predict(speck).found


def test_the_threshold_is_the_configs_and_can_be_moved() -> None:
    image = scene(300, 200)
    answer = red_cars.red_model(threshold=0.9).predict(image)
    areas = [answer.mask_at(t).sum() for t in (0.1, 0.5, 0.9, 0.99)]
    assert areas == sorted(areas, reverse=True)
    assert answer.area == areas[2] / answer.mask.size
    np.testing.assert_array_equal(answer.mask_at(0.5), answer.probabilities >= 0.5)
    assert answer.mask_at(0).all()


def test_a_batch_is_the_same_as_one_by_one(model: zoo.Segmenter) -> None:
    images = [noise(50, 70), noise(90, 40), noise(64, 64)]
    for one, together in zip(map(model.predict, images), model.predict_batch(images), strict=True):
        np.testing.assert_array_equal(one.probabilities, together.probabilities)
    assert model.predict_batch([]) == []
    assert len(model.predict_batch(np.stack([images[2]] * 2))) == 2


def test_a_bad_image_of_a_batch_is_named_and_the_others_are_answered(
    model: zoo.Segmenter, tmp_path: Path
) -> None:
    bad = tmp_path / "cut.png"
    bad.write_bytes(b"junk")
    batch = [noise(50, 70), bad, noise(64, 64), b"junk"]
    first, second, third, fourth = model.predict_batch(batch, errors="return")
    for answer, image in ((first, batch[0]), (third, batch[2])):
        np.testing.assert_array_equal(answer.probabilities, model.predict(image).probabilities)
    assert isinstance(second, ImageError)
    assert str(second).startswith(f"{bad}: This is not an image")
    assert isinstance(fourth, ImageError)
    assert str(fourth).startswith("image 4 of 4: This is not an image")
    with pytest.raises(ImageError, match=r"cut\.png: This is not an image"):
        model.predict_batch(batch)


def test_a_photo_in_an_image_object_is_not_written_to(model: zoo.Segmenter) -> None:
    photo = Image.fromarray(noise(100, 150))
    before = photo.copy()
    model.predict(photo)
    assert photo.tobytes() == before.tobytes()


def test_gray_transparent_and_turned_images_are_read() -> None:
    model = red_cars.red_model()
    see_through = scene(90, 60).convert("RGBA")
    see_through.putalpha(0)
    assert not model.predict(see_through).found, "what is not seen is not there"
    assert not model.predict(np.full((60, 90), 128, np.uint8)).found
    turned = scene(90, 60)
    turned.getexif()[0x0112] = 6  # the camera was held upright
    assert model.predict(turned).mask.shape == (90, 60)
    with pytest.raises(ImageError, match="not an image"):
        model.predict(b"hello")


def test_the_result_is_plain_json() -> None:
    answer = red_cars.red_model().predict(scene(300, 200))
    assert json.loads(json.dumps(answer.to_dict())) == {
        "label": "car",
        "found": True,
        "area": answer.area,
        "confidence": answer.confidence,
        "uncertain_area": answer.uncertain_area,
        "box": list(answer.box or ()),
        "threshold": 0.5,
        "width": 300,
        "height": 200,
        "seconds": answer.seconds,
    }


def test_the_box_is_the_crop_that_holds_the_mask() -> None:
    probabilities = np.zeros((40, 60), np.float32)
    probabilities[10:21, 30:45] = 0.95
    probabilities[10:21, 30] = 0.6  # object, but unsure
    answer = Segmentation("car", probabilities, probabilities, threshold=0.5, seconds=0.0)
    assert answer.box == (30, 10, 45, 21)
    assert answer.uncertain_area == pytest.approx(11 / 2400)
    cut = Image.fromarray(answer.mask).crop(answer.box)
    assert np.asarray(cut).all()
    nothing = replace(answer, probabilities=np.zeros_like(probabilities))
    assert nothing.box is None
    assert nothing.to_dict()["box"] is None
    speck = replace(answer, min_area=0.5)
    assert not speck.found
    assert speck.box is None


def test_what_the_network_is_not_sure_of_is_no_car() -> None:
    """Of what only looks like a car it is less sure, on average over all its pixels."""
    probabilities = np.zeros((40, 60), np.float32)
    probabilities[10:20, 30:40] = 0.9
    probabilities[10:20, 40:50] = 0.7
    answer = Segmentation("car", probabilities, probabilities, threshold=0.5, seconds=0.0)
    assert answer.confidence == pytest.approx(0.8)
    assert replace(answer, min_confidence=0.79).found
    unsure = replace(answer, min_confidence=0.81)
    assert not unsure.found
    assert unsure.box is None
    assert unsure.in_words() == "no car found"
    assert not unsure.found_at(0.85), "another threshold makes it no surer"
    nothing = np.zeros_like(probabilities)
    assert replace(answer, low_res_probabilities=nothing).confidence == 0


def test_the_least_confidence_is_the_models_own() -> None:
    pink = Image.new("RGB", (120, 80), red_cars.PINK)  # the stand-in is 82 % sure of it
    assert red_cars.red_model(min_confidence=0.8).predict(pink).found
    assert not red_cars.red_model(min_confidence=0.85).predict(pink).found
    assert red_cars.red_model(min_confidence=0.85).predict(scene(120, 80)).found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "prophecy"}, "has task = 'prophecy', which must be one of"),
        ({"threshold": None}, "lacks threshold"),
        (
            {"preprocessing": {"kind": "scale", "channels": 3, "mean": [0] * 3, "std": [1] * 3}},
            "lacks preprocessing.longest_side",
        ),
        ({"arguments": {"widths": [4]}}, "no network that this version can build"),
        ({"arguments": {"widths": [4, 6, 10], "skips": True}}, "does not fit unet"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(folder: Path, change: dict, message: str) -> None:
    config = {k: v for k, v in cars.config(**change).items() if v is not None}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(IntegrityError, match=message):
        load_folder("carvana", folder, device="cpu")
