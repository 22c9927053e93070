"""The cars page, without a browser, with a stand-in for the network: whatever is red is car."""

from __future__ import annotations

import csv
import dataclasses
import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import zoo
from pages.common import loaded_models, number_format, site
from pages.components.mask_viewer import mask_viewer
from pages.images import error_map
from pages.sections.segmentation import cut_out, photo_batch, segmented_photo
from tests import red_cars
from tests.pages import read
from tests.pages.conftest import open_page
from zoo.samples import samples
from zoo.segmentation import mask_edits, masks
from zoo.weights import catalog

WIDTH, HEIGHT = 640, 400


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZOO_REPO", raising=False)
        patch.setattr(catalog, "CATALOG_PATH", red_cars.write(tmp_path_factory.mktemp("zoo")))
        loaded_models._load.clear()
        yield loaded_models._load("carvana")
    loaded_models._load.clear()


@pytest.fixture
def cars(model) -> AppTest:
    """The page after its first run."""
    app = open_page("cars")
    assert not app.exception
    return app


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


def test_the_largest_piece_alone_is_shown_measured_and_cut_out(cars, monkeypatch):
    upload(cars, png(red_cars.two_cars()))
    forbid_the_network(monkeypatch)
    number = cars.session_state["cars"]["number"]
    assert staged(cars)["token"] == str(number)
    both = percent(cars, "Car area")
    toggle = cars.toggle(key=f"largest-{number}")
    assert toggle.label == "Largest of 2 components"
    toggle.set_value(True).run()
    mask = image_in(staged(cars)["probabilities"]) > 127
    assert mask[:, :320].any()
    assert not mask[:, 320:].any()
    assert staged(cars)["token"] == f"{number}-largest", "the stage has to draw it anew"
    assert percent(cars, "Car area") == pytest.approx(mask.mean(), abs=0.0006)
    assert percent(cars, "Car area") < both
    cars.toggle(key=f"largest-{number}").set_value(False).run()
    assert percent(cars, "Car area") == both


def test_one_piece_leaves_nothing_to_choose(cars):
    upload(cars, png(red_cars.street()))
    assert cars.toggle(key=f"largest-{cars.session_state['cars']['number']}").disabled


def test_it_starts_with_a_sample_and_what_the_network_says(cars, model):
    sample = samples("cars")[0]
    result = model.predict(sample.path)
    shown = image_in(staged(cars)["probabilities"])
    assert np.abs(shown / 255 - result.probabilities).max() <= 0.5 / 255 + 1e-6
    assert image_in(staged(cars)["photo"]).shape == (*shown.shape, 3)
    assert percent(cars, "Car area") == pytest.approx(result.area, abs=0.0006)
    assert sample.credit in [caption.value for caption in cars.caption]
    (strip,) = read.components(cars, "thumbnails")
    assert [group["title"] for group in strip["groups"]] == ["Try one", "Hard ones"]
    typical, hard = ([item["id"] for item in group["items"]] for group in strip["groups"])
    assert typical == [s.id for s in samples("cars") if s.group == "typical"]
    assert hard[:-1] == [s.id for s in samples("cars") if s.group == "hard"]
    assert hard[-1] in [s.id for s in samples("objects") if s.group == "none"]
    assert strip["selected"] == sample.id


def test_the_visitors_own_photo_stays_at_hand(cars):
    (zone,) = read.components(cars, "drop_zone")
    assert (zone["yours"], zone["chosen"]) == (None, False)
    upload(cars, png(red_cars.street()))
    (zone,) = read.components(cars, "drop_zone")
    assert image_in(zone["yours"]).shape[1] == 96
    assert zone["chosen"]


LINK = {"sample": "white-coupe-side", "threshold": "73", "view": "cutout", "trim": "1"}


def test_a_link_holds_what_one_sees(cars):
    cars.switch_page("pages/digits.py").run()
    cars.switch_page("pages/cars.py")
    for name, value in (LINK | {"background": "3f9d8f"}).items():
        cars.query_params[name] = value
    cars.run()
    assert not cars.exception
    shown = staged(cars)
    assert (shown["threshold"], shown["view"], shown["trim"]) == (73, "cutout", True)
    assert shown["background"]["colour"] == "#3f9d8f"
    assert read.components(cars, "thumbnails")[0]["selected"] == "white-coupe-side"
    (held,) = read.components(cars, "link")
    assert held["choices"] == LINK | {"background": "3f9d8f", "largest": None}


def test_a_link_that_makes_no_sense_changes_nothing(cars):
    before = staged(cars)
    cars.switch_page("pages/digits.py").run()
    cars.switch_page("pages/cars.py")
    for name, value in {
        "sample": "no",
        "threshold": "100",
        "view": "x",
        "background": "re",
    }.items():
        cars.query_params[name] = value
    cars.run()
    assert not cars.exception
    after = staged(cars)
    assert (after["threshold"], after["view"], after["photo"]) == (
        before["threshold"],
        before["view"],
        before["photo"],
    )
    (held,) = read.components(cars, "link")
    assert not any(held["choices"].values()), "what is as usual needs no place in a link"


def test_an_upload_is_cut_out(cars):
    upload(cars, png(red_cars.street()))
    mask = image_in(staged(cars)["probabilities"]) > 127
    assert np.array_equal(mask, red_cars.car())
    assert percent(cars, "Car area") == pytest.approx(red_cars.car().mean(), abs=0.0006)
    pink = red_cars.car() & ~red_cars.car(pink=False)
    # The edges, scaled up from the working size, are unsure as well.
    assert percent(cars, "Uncertain") == pytest.approx(pink.mean(), abs=0.004)
    labels = [button.proto.label for button in cars.get("download_button")]
    assert labels[:2] == ["Cut-out, PNG", "Mask, PNG"]


def test_another_threshold_changes_the_answer_without_asking_the_network(cars, monkeypatch):
    upload(cars, png(red_cars.street()))
    forbid_the_network(monkeypatch)
    choose(cars, percent=90)  # above the probability of what is pink
    assert not cars.exception
    assert percent(cars, "Car area") == pytest.approx(red_cars.car(pink=False).mean(), abs=0.0006)
    assert staged(cars)["threshold"] == 90


LEFT_HALF = [{"kind": "box", "box": [0.0, 0.0, 0.5, 1.0]}]
GOOD = {"token": "3", "percent": 37, "view": "cutout", "edits": LEFT_HALF}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (GOOD, mask_viewer.Choice(37, "cutout", LEFT_HALF)),
        (GOOD | {"token": "2"}, None),  # meant for the photo before
        *((GOOD | {"percent": value}, None) for value in (None, "50", 0, 100, 50.5, True, [50])),
        *((GOOD | {"view": value}, None) for value in (None, "nothing", 3)),
        *((GOOD | {"edits": value}, None) for value in (None, "box", [{"kind": "eat"}])),
        *((value, None) for value in (None, 50, "50", [], {})),
    ],
)
def test_the_stage_accepts_a_choice_and_nothing_else(monkeypatch, sent, expected):
    monkeypatch.setattr(mask_viewer.st, "session_state", {"stage": {"chosen": sent}})
    assert mask_viewer.chosen("stage", "3") == expected


def test_a_neighbour_is_left_out_of_numbers_and_files(cars, monkeypatch):
    photo = red_cars.two_cars(2000, 1250)
    upload(cars, png(photo))
    forbid_the_network(monkeypatch)
    both = percent(cars, "Car area")
    choose(cars, edits=LEFT_HALF)
    alone = red_cars.car_of_two(2000, 1250)
    assert percent(cars, "Car area") == pytest.approx(alone.mean(), abs=0.001)
    assert percent(cars, "Car area") < both
    now = cars.session_state["cars"]
    seen = now["scene"].edited(mask_edits.read(LEFT_HALF))
    assert masks.iou(seen.full().mask_at(red_cars.THRESHOLD), alone) > 0.99
    assert now["scene"].full().mask.sum() > 1.1 * alone.sum(), "the photo itself is not changed"
    wanted = cut_out.Look(trim=True)
    cut = Image.open(io.BytesIO(cut_out.encoded(seen, red_cars.THRESHOLD, wanted)))
    rows, columns = np.nonzero(alone)
    assert cut.width == pytest.approx((np.ptp(columns) + 1) * 1.04, abs=8)
    assert cut.height == pytest.approx(np.ptp(rows) + 1 + 0.04 * np.ptp(columns), abs=8)
    whole = Image.open(
        io.BytesIO(cut_out.encoded(seen, red_cars.THRESHOLD, cut_out.Look("Colour", "#0000ff")))
    )
    assert (whole.format, whole.size) == ("JPEG", photo.size)
    choose(cars, edits=[*LEFT_HALF, {"kind": "clear"}])
    assert percent(cars, "Car area") == both


def test_a_image_without_a_car_says_so(cars):
    upload(cars, png(Image.new("RGB", (300, 200), red_cars.GRAY)))
    assert "No car found" in cars.info[0].value
    assert percent(cars, "Car area") == 0
    assert staged(cars)  # the maps are there, to see why
    labels = [button.proto.label for button in cars.get("download_button")]
    assert not labels


@pytest.mark.parametrize(
    "contents", [b"only text", png(Image.new("L", (3, 3)))], ids=["text", "tiny"]
)
def test_a_wrong_file_gets_a_sentence_and_the_photo_before_it_stays(cars, contents):
    sample = staged(cars)["photo"]
    upload(cars, contents)
    assert is_one_sentence(cars.error[0].value)
    assert staged(cars)["photo"] == sample
    upload(cars, png(red_cars.street()))
    assert not cars.error
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())
    upload(cars, contents)
    assert is_one_sentence(cars.error[0].value)
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())
    cars.switch_page("pages/digits.py").run()  # and after leaving and coming back
    cars.switch_page("pages/cars.py").run()
    assert not cars.exception
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())


@pytest.mark.parametrize("error", [RuntimeError("nobody foresaw this"), MemoryError()])
def test_what_nobody_foresaw_loses_nothing_either(cars, monkeypatch, error, caplog):
    def fail(*_):
        raise error

    monkeypatch.setattr(zoo.Segmenter, "predict", fail)
    upload(cars, png(red_cars.street()))
    assert is_one_sentence(cars.error[0].value)
    assert staged(cars)
    assert caplog.records[-1].exc_info[1] is error, "the log says what it was"
    monkeypatch.undo()
    upload(cars, png(red_cars.street()))
    assert not cars.error
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())


@pytest.mark.parametrize("size", [(65_535, 8), (8, 9_000), (8, 8)])
def test_an_image_of_an_odd_shape_is_looked_at(cars, size):
    upload(cars, png(Image.new("RGB", size, red_cars.RED)))
    assert not cars.error
    assert percent(cars, "Car area") == 1


def test_backgrounds(cars):
    upload(cars, png(red_cars.street()))
    cars.button_group(key="background").set_value("Colour").run()
    labels = [button.proto.label for button in cars.get("download_button")]
    assert labels[0] == "Image, JPEG"
    cars.button_group(key="background").set_value("Image").run()
    upload(cars, b"only text", key="backdrop")
    assert is_one_sentence(cars.error[0].value)
    upload(cars, png(Image.new("RGB", (50, 90), "blue")), key="backdrop")
    assert not cars.error


def test_a_true_mask_is_measured(cars, monkeypatch):
    upload(cars, png(red_cars.street()))
    key = f"truth-{cars.session_state['cars']['number']}"
    upload(cars, masks.png(red_cars.car()), key=key)
    found = metrics(cars)
    assert found["IoU"] == found["Dice"] == found["Boundary IoU"] == "100\xa0%"
    forbid_the_network(monkeypatch)
    choose(cars, percent=90)
    assert not cars.exception
    part, whole = red_cars.car(pink=False), red_cars.car()
    assert percent(cars, "IoU") == pytest.approx(masks.iou(part, whole), abs=0.002)
    assert percent(cars, "Dice") == pytest.approx(masks.dice(part, whole), abs=0.002)
    missed = number_format.percent(masks.area_fraction(whole & ~part), 1)[:3]
    assert any(f"network missed, {missed}" in text.value for text in cars.markdown)


@pytest.mark.parametrize("white", [1, 26, 255])
def test_a_true_mask_of_class_numbers_is_understood(cars, white):
    upload(cars, png(red_cars.street()))
    truth = png(red_cars.car().astype(np.uint8) * white)
    upload(cars, truth, key=f"truth-{cars.session_state['cars']['number']}")
    assert not cars.error
    assert metrics(cars)["IoU"] == "100\xa0%"


def test_a_true_mask_of_several_classes_is_refused(cars):
    upload(cars, png(red_cars.street()))
    classes = red_cars.car().astype(np.uint8) + (np.arange(640) > 400)
    upload(cars, png(classes), key=f"truth-{cars.session_state['cars']['number']}")
    assert is_one_sentence(cars.error[0].value)
    assert "may be classes" in cars.error[0].value
    assert "IoU" not in metrics(cars)


@pytest.mark.parametrize(
    "contents", [masks.png(red_cars.car(320, 200)), b"only text"], ids=["wrong size", "text"]
)
def test_a_true_mask_that_does_not_fit_gets_a_sentence(cars, contents):
    upload(cars, png(red_cars.street()))
    upload(cars, contents, key=f"truth-{cars.session_state['cars']['number']}")
    assert is_one_sentence(cars.error[0].value)
    assert "IoU" not in metrics(cars)


def test_the_error_map_tells_the_kinds_apart():
    photo = Image.new("RGB", (4, 1), (100, 100, 100))
    predicted, true = np.array([[0, 1, 0, 1]], bool), np.array([[0, 1, 1, 0]], bool)
    outside, hit, missed, alarm = np.asarray(error_map.draw(photo, predicted, true))[0].astype(int)
    assert outside[0] == outside[1] == outside[2]
    assert hit[2] > hit[0]  # violet
    assert missed[0] > missed[1] > missed[2]  # amber
    assert alarm[0] > 2 * alarm[1]  # red


def test_a_batch_gives_a_zip_of_masks(cars):
    files = [
        ("a.png", png(red_cars.street()), "image/png"),
        ("b.png", png(red_cars.street(300, 200)), "image/png"),
        ("c.png", b"only text", "image/png"),
    ]
    cars.file_uploader(key="batch").set_value(files).run()
    cars.button(key="make-masks").click().run()
    assert not cars.exception
    archive = cars.session_state["archive"]
    contents, problems = archive.contents, archive.problems
    found = zipfile.ZipFile(io.BytesIO(contents))
    assert np.array_equal(masks.read(found.read("a_mask.png")), red_cars.car())
    assert masks.read(found.read("b_mask.png")).shape == (200, 300)
    rows = list(csv.DictReader(io.StringIO(found.read("masks.csv").decode())))
    assert [row["image"] for row in rows] == ["a.png", "b.png", "c.png"]
    assert [warning.value for warning in cars.warning] == problems
    assert problems[0].startswith("c.png: This is not an image")
    assert "masks.zip" in cars.get("download_button")[-1].proto.label
    cut = Image.open(io.BytesIO(found.read("a_cutout.png")))
    assert cut.mode == "RGBA"
    assert cut.width < 640, "trimmed to the car"
    previews = read.components(cars, "gallery")[0]["items"]
    assert [item["title"] for item in previews] == ["a.png", "b.png"]
    cars.switch_page("pages/digits.py").run()
    cars.switch_page("pages/cars.py").run()
    assert "masks.zip" in cars.get("download_button")[-1].proto.label, "it outlives the visit"
    assert read.components(cars, "gallery")[0]["items"] == previews


def test_cut_outs_that_would_fill_the_server_are_left_out(cars, monkeypatch):
    monkeypatch.setattr(photo_batch, "LARGEST", 1)
    cars.file_uploader(key="batch").set_value([("a.png", png(red_cars.street()), "image/png")])
    cars.run()
    cars.button(key="make-masks").click().run()
    archive = cars.session_state["archive"]
    assert zipfile.ZipFile(io.BytesIO(archive.contents)).namelist() == ["a_mask.png", "masks.csv"]
    assert archive.problems[0].startswith("1 cut-out would make the file larger")


def test_a_batch_survives_what_nobody_foresaw(cars, monkeypatch):
    predict = zoo.Segmenter.predict

    def fail_at_the_second(model, image, *more):
        if image.size == (300, 200):
            raise RuntimeError("out of something")
        return predict(model, image, *more)

    second = png(red_cars.street(300, 200))
    monkeypatch.setattr(zoo.Segmenter, "predict", fail_at_the_second)
    files = [(name, contents, "") for name, contents in (
        ("aux.jfif", png(red_cars.street())), ("b", second), ("c.png", png(red_cars.street())),
    )]  # fmt: skip
    cars.file_uploader(key="batch").set_value(files).run()
    cars.button(key="make-masks").click().run()
    assert not cars.exception
    archive = cars.session_state["archive"]
    found = zipfile.ZipFile(io.BytesIO(archive.contents))
    assert found.namelist() == [
        *("image-aux_mask.png", "image-aux_cutout.png", "c_mask.png", "c_cutout.png", "masks.csv"),
    ]
    (problem,) = archive.problems
    assert problem.startswith("b: Something went wrong")
    rows = list(csv.DictReader(io.StringIO(found.read("masks.csv").decode())))
    assert [bool(row["problem"]) for row in rows] == [False, True, False]


@pytest.mark.parametrize(("name", "kind"), [("a.jfif", "JPEG"), ("a.avif", "AVIF"), ("a", "PNG")])
def test_what_a_file_is_its_content_says_and_not_its_name(cars, name, kind):
    buffer = io.BytesIO()
    try:
        red_cars.street().save(buffer, kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    upload(cars, buffer.getvalue(), name)
    assert not cars.error
    found = image_in(staged(cars)["probabilities"]) > 127
    assert masks.iou(found, red_cars.car()) > 0.97


def test_the_record_is_told(cars, model):
    test, streets = (model.record["metrics"][part] for part in ("test", "test_streets"))
    found = metrics(cars)
    for label, name in (
        ("Test IoU", "iou"),
        ("Test Dice", "dice"),
        ("Test Boundary IoU", "boundary_iou"),
        ("Worst image, IoU", "worst"),
    ):
        assert found[label] == number_format.percent(test[name], 2)
    assert any(number_format.percent(streets["iou"], 1) in text.value for text in cars.markdown)
    by_car, worst = (table.value for table in cars.table)
    letters = dict(zip(["Car\xa0A", "Car\xa0B"], sorted(red_cars.CARS), strict=True))
    assert list(by_car["n"].astype(int)) == [
        len(red_cars.CARS[letters[car]]) for car in by_car["Car"]
    ]
    assert set(worst["Car"]) <= set(letters)
    expected = sorted(test["images"].values())[:5]
    assert list(worst["IoU"]) == [number_format.percent(iou, 2) for iou in expected]
    assert len(cars.get("plotly_chart")) == 3
    commands = " ".join(code.value for code in cars.code)
    assert "python -m training.evaluate carvana" in commands
    assert model.record["command"] in commands


def test_a_large_photo_is_kept_small_and_answered_for_in_full(model):
    photo = red_cars.street(2000, 1250)
    seen = segmented_photo.look(model, png(photo), "large.png")
    assert seen.size == (2000, 1250)
    assert max(seen.shown.size) == mask_viewer.SIDE
    assert seen.result.probabilities.shape == seen.shown.size[::-1]
    full = seen.full().probabilities
    assert np.array_equal(full, model.predict(photo).probabilities)
    assert seen.area(red_cars.THRESHOLD) == pytest.approx(seen.full().area, abs=0.002)


def test_without_the_model_there_is_no_page():
    shown = [entry.path for entry in site.entries()]
    assert ("pages/cars.py" in shown) == ("carvana" in zoo.list_models())
