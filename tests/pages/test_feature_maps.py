"""The page "Feature maps" with a digit, an object and a car network, without a browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

import zoo
from pages.components.diagram import diagram
from pages.components.grid_picker import grid_picker
from pages.images import heat_map, mosaic
from pages.sections.feature_maps import feature_visualization, top_images, trace_cache
from tests import cars
from tests.hub import tiny
from tests.pages import read
from tests.pages.conftest import open_page
from zoo.preprocessing.images import normalize
from zoo.samples import samples
from zoo.samples.sets import image_set
from zoo.weights import catalog

REAL = catalog.CATALOG_PATH


@pytest.fixture(scope="module")
def zoo_of_three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    models = {
        "mnist": tiny.model_files(),
        "cifar10": tiny.object_files(),
        "carvana": cars.model_files(),
    }
    with tiny.stand_in(tmp_path_factory.mktemp("zoo"), models):
        yield


@pytest.fixture
def page(zoo_of_three: None) -> AppTest:
    """The page after its first run: a sample digit, the first layer."""
    return open_page("feature_maps")


def choose(page: AppTest, name: str) -> AppTest:
    """Look into another network."""
    page.button_group(key="inside-model").set_value(name).run()
    assert not page.exception
    return page


def look(page: AppTest, **choices: object) -> AppTest:
    """Choose a layer, a channel, a pixel."""
    state = page.session_state["inside"]
    state["of"][state["model"]].update(choices)
    page.run()
    assert not page.exception
    return page


def trace_of(page: AppTest) -> zoo.explain.Trace:
    state = page.session_state["inside"]
    model = zoo.load(state["model"])
    return trace_cache.run(model, trace_cache.small(model, state["of"][state["model"]]["view"]))


def test_starts_with_a_digit_its_network_its_maps_and_their_arithmetic(page):
    assert not page.exception
    (drawn,) = read.components(page, "diagram")
    assert [block["note"] for block in drawn["blocks"]] == ["8", "32", "10"]
    assert drawn["chosen"] == "relu1"
    assert [layer["name"] for layer in drawn["blocks"][0]["layers"]] == [
        *("conv1", "pool1", "bn1", "relu1"),
    ]
    maps, pixels = read.components(page, "grid_picker")
    assert maps["count"] == 8
    assert pixels["count"] == 12 * 12
    (steps,) = read.components(page, "arithmetic_steps")
    assert [step["layer"] for step in steps["steps"]] == ["conv1", "pool1", "bn1", "relu1"]


@pytest.mark.parametrize(
    ("name", "layer"),
    [("mnist", "relu2"), ("cifar10", "block2.act2"), ("carvana", "up.1.block.first.act")],
)
def test_the_arithmetic_ends_at_the_maps_value(page, name, layer):
    if name != "mnist":
        choose(page, name)
    look(page, layer=layer, channel=3, pixel=(2, 1))
    (steps,) = read.components(page, "arithmetic_steps")
    value = float(trace_of(page)[layer][3, 2, 1])
    assert steps["steps"][-1]["exact"] == pytest.approx(value, rel=1e-5, abs=1e-5)
    first = steps["steps"][0]
    assert sum(first["sums"]) == pytest.approx(first["exact"], rel=1e-3, abs=1e-3)
    for step in steps["steps"]:
        assert float(step["difference"]) < 1e-5
    pixels = read.components(page, "grid_picker")[1]
    assert pixels["chosen"] == 2 * pixels["columns"] + 1


def test_an_alternative_is_chosen_beside_the_network_that_it_is_compared_with(tmp_path):
    files = cars.model_files(seed=1)
    config = json.loads(files["config.json"])
    config |= {"model": "carvana-other", "alternative_to": "carvana"}
    record = json.loads(files["record.json"]) | {"model": "carvana-other"}
    other = files | {
        "config.json": json.dumps(config).encode(),
        "record.json": json.dumps(record).encode(),
    }
    models = {"mnist": tiny.model_files(), "carvana": cars.model_files(), "carvana-other": other}
    with tiny.stand_in(tmp_path, models):
        page = open_page("feature_maps")
        assert [box.label for box in page.selectbox if box.label == "Architecture"] == []
        assert len(page.button_group(key="inside-model").options) == 2
        choose(page, "carvana")
        first = trace_of(page)["up.1.block.first.act"]
        family = page.selectbox(key="inside-carvana-family")
        assert family.options == ["carvana", "carvana-other"]
        family.set_value("carvana-other").run()
        assert not page.exception
        assert page.session_state["inside"]["model"] == "carvana-other"
        assert not np.allclose(trace_of(page)["up.1.block.first.act"], first)
        assert page.button_group(key="inside-model").value == "carvana"
        choose(page, "mnist")
        page = open_page("feature_maps", model="carvana-other")
        assert page.session_state["inside"]["model"] == "carvana-other"


def test_the_images_that_excite_a_channel_most_come_in_order(page):
    look(page, layer="relu2", channel=5, pixel=None)
    found = read.components(page, "gallery")[0]["items"]
    values = [float(item["detail"]) for item in found]
    assert len(values) == top_images.COUNT
    assert values == sorted(values, reverse=True)
    images = image_set("mnist")
    model = zoo.load("mnist")
    inputs = [normalize(image, [0.1307], [0.3081]) for image in images.images[: top_images.POOL]]
    maps = model.network.activations(np.stack(inputs))["relu2"][:, 5]
    assert values[0] == pytest.approx(float(maps.max()), rel=0.01)


def test_what_was_recorded_with_the_weights_is_not_asked_again(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(catalog, "CATALOG_PATH", REAL)
    monkeypatch.setattr(zoo.explain, "top_activations", refuse)
    st.cache_resource.clear()
    top_images.prepare(zoo.load("mnist", source="bundle", device="cpu"))
    st.cache_resource.clear()


def test_the_last_layer_is_followed_by_softmax(page):
    look(page, layer="linear", channel=7, pixel=None)
    (steps,) = read.components(page, "arithmetic_steps")
    assert [step["layer"] for step in steps["steps"]] == ["linear", "softmax"]
    answer = zoo.load("mnist").predict(samples("digits")[7].path)
    assert steps["steps"][-1]["exact"] == pytest.approx(float(answer.probabilities[7]), rel=1e-5)
    linear = steps["steps"][0]
    assert len(linear["patch"]) == 32  # the maps that were flattened
    assert len(read.components(page, "grid_picker")) == 1  # no map to click


def test_maps_can_be_sorted_and_scaled(page):
    before = read.components(page, "grid_picker")[0]
    page.toggle(key="inside-sort").set_value(True).run()
    after = read.components(page, "grid_picker")[0]
    means = trace_cache.means(trace_of(page)["relu1"])
    assert [int(label.split()[1].strip(",")) for label in after["labels"]] == list(
        np.argsort(-means, kind="stable")
    )
    assert before["labels"] != after["labels"]
    page.toggle(key="inside-own").set_value(True).run()
    assert read.components(page, "grid_picker")[0]["image"] != after["image"]


def test_a_unet_is_drawn_as_one_and_the_way_to_its_skip_connections_is_shown(page):
    choose(page, "carvana")
    (drawn,) = read.components(page, "diagram")
    blocks = drawn["blocks"]
    assert {block["place"] for block in blocks} == {"left", "bottom", "right"}
    for block in blocks:
        if block["place"] != "bottom":
            same = [b for b in blocks if b["row"] == block["row"] and b["place"] != "bottom"]
            assert len({b["shape"][1] for b in same}) == 1, "a row holds maps of one size"
    joined = [block for block in blocks if "arrives" in block]
    assert joined
    for block in joined:
        (source,) = block["skips"]
        assert blocks[block["arrives"]]["row"] == blocks[source]["row"]
    links = [element.proto.page for element in page.get("page_link")]
    assert "skip_connections" in " ".join(links)
    choose(page, "mnist")
    (drawn,) = read.components(page, "diagram")
    assert "place" not in drawn["blocks"][0], "a chain is a row"


def test_a_link_holds_network_image_layer_channel_and_pixel(zoo_of_three):
    sample = samples("objects")[3].id
    wanted = {"model": "cifar10", "sample": sample, "layer": "block2.act2", "channel": "3"}
    wanted |= {"row": "2", "column": "1"}
    page = open_page("feature_maps", **wanted)
    assert not page.exception
    (steps,) = read.components(page, "arithmetic_steps")
    assert steps["token"] == "block2.act2-3-2-1"
    (held,) = read.components(page, "link")
    assert held["choices"] == wanted


@pytest.mark.parametrize(
    "wrong", [{"layer": "no"}, {"layer": "relu1", "channel": "9999"}, {"model": "x", "row": "-1"}]
)
def test_a_link_that_makes_no_sense_shows_what_there_is(zoo_of_three, wrong):
    page = open_page("feature_maps", **wrong)
    assert not page.exception
    assert read.components(page, "arithmetic_steps")


def bars(page: AppTest) -> list[str]:
    """Return the bars that explain colours, as HTML."""
    found = [element.proto.body for element in page.get("html")]
    return [body for body in found if "colour-bar" in body]


def test_a_bar_says_which_value_has_which_colour(page):
    values = trace_of(page)["relu1"]
    most = f"{mosaic.limit(values):.2g}"
    assert any(f"from 0 to {most}" in bar for bar in bars(page))
    assert len(bars(page)) == 4, (
        "of all maps, the kernel, the map of one channel, what was looked at"
    )
    look(page, layer="bn1", channel=2, pixel=None)
    assert any("from −" in bar for bar in bars(page)), "below zero there is amber"


def test_a_heat_map_is_seen_on_any_gray():
    for gray in (0, 90, 128, 180, 255):
        view = np.full((8, 8), gray, np.uint8)
        drop = np.zeros((8, 8), np.float32)
        drop[:, :3], drop[:, 5:] = 1, -0.6
        pixels = np.asarray(Image.open(io.BytesIO(heat_map.png(view, drop)))).astype(int)
        for side in (pixels[0, 0], pixels[0, 7]):
            assert np.abs(side - pixels[0, 4]).max() > 45, gray


def test_attribution_with_random_weights_beside_it(page):
    choose(page, "cifar10")
    for method in ("Grad-CAM", "Occlusion", "Integrated gradients"):
        page.button_group(key="decided-method").set_value(method).run()
        assert not page.exception
        shown = read.components(page, "gallery")[-1]
        assert [item["title"] for item in shown["items"]] == ["The image", method]
    page.toggle(key="decided-check").set_value(True).run()
    assert not page.exception
    shown = read.components(page, "gallery")[-1]
    assert shown["items"][-1]["title"] == "Random weights"
    (said,) = [m.value for m in page.markdown if m.value.startswith("Rank correlation")]
    correlation = float(re.findall(r"\*\*(-?[\d.]+)\*\*", said)[0])
    assert -1 <= correlation < 0.95, "random weights give another map"


def test_an_image_is_optimized_on_demand(page, monkeypatch):
    monkeypatch.setattr(feature_visualization, "STEPS", 10)
    button = next(b for b in page.button if "preferred" in b.label)
    button.click().run()
    assert not page.exception
    assert ("mnist", "relu1", page.session_state["inside"]["of"]["mnist"]["channel"]) in (
        page.session_state["feature-visualization"]
    )
    assert not [b for b in page.button if "preferred" in b.label]


def test_an_upload_is_looked_into_and_a_bad_one_gets_a_sentence(page):
    choose(page, "cifar10")
    red = io.BytesIO()
    Image.new("RGB", (60, 50), "red").save(red, "PNG")
    page.file_uploader[0].set_value(("red.png", red.getvalue(), "image/png")).run()
    assert not page.exception
    assert (trace_of(page).input[0] > trace_of(page).input[1]).all()
    before = trace_of(page).input
    page.file_uploader[0].set_value(("bad.png", b"text", "image/png")).run()
    assert not page.exception
    assert "not an image" in page.warning[0].value
    assert read.components(page, "grid_picker"), "the image before stays"
    np.testing.assert_array_equal(trace_of(page).input, before)
    page.switch_page("pages/overview.py").run()
    page.switch_page("pages/feature_maps.py").run()
    assert not page.exception
    assert read.components(page, "grid_picker")
    page.file_uploader[0].set_value(("red.png", red.getvalue(), "image/png")).run()
    assert not page.warning


def test_layers_of_every_kind_can_be_opened(page):
    for name in ("mnist", "cifar10", "carvana"):
        if name != "mnist":
            choose(page, name)
        for layer in trace_of(page).layers[:: 7 if name != "mnist" else 3]:
            look(page, layer=layer.name, channel=None, pixel=None)
            assert read.components(page, "arithmetic_steps"), layer.name


def test_a_browser_can_send_what_it_likes(monkeypatch):
    for value in ("3", None, 7, -1, 2.0, True, [1]):
        monkeypatch.setattr(st, "session_state", {"k": {"picked": value}})
        assert grid_picker.picked("k", 5) is None
    monkeypatch.setattr(st, "session_state", {"k": {"picked": 4}})
    assert grid_picker.picked("k", 5) == 4
    run = zoo.explain.trace(
        zoo.networks.build({"architecture": "numpy_cnn", "arguments": {"channels": [2, 2]}}),
        np.zeros((1, 28, 28), np.float32),
    )
    for value, expected in (("relu1", "relu1"), ("no", None), (3, None)):
        monkeypatch.setattr(st, "session_state", {"k": {"picked": value}})
        assert diagram.picked("k", run) == expected


def test_a_mosaic_says_where_its_maps_lie():
    maps = np.zeros((6, 5, 7), np.float32)
    maps[4] = 1
    encoded, grid = mosaic.sheet(maps)
    pixels = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")).astype(int)
    assert (grid.rows, grid.columns, grid.count) == (2, 3, 6)
    pitch_x = pixels.shape[1] / (grid.columns * (1 + grid.gap) - grid.gap) * (1 + grid.gap)
    gap_y = grid.gap * grid.aspect
    pitch_y = pixels.shape[0] / (grid.rows * (1 + gap_y) - gap_y) * (1 + gap_y)
    top, left = round(pitch_y), round(pitch_x)
    bright = pixels.sum(axis=2) > 700
    rows, columns = np.nonzero(bright)
    assert rows.min() == pytest.approx(top, abs=1)
    assert columns.min() == pytest.approx(left, abs=1)
    assert bright.mean() == pytest.approx(1 / 6, abs=0.02)


def test_large_maps_are_averaged_and_each_can_have_its_own_scale():
    rng = np.random.default_rng(0)
    maps = rng.random((24, 96, 128)).astype(np.float32)
    encoded, _ = mosaic.sheet(maps, width=400)
    assert Image.open(io.BytesIO(encoded)).width < 600
    weak = np.stack([np.eye(8), 0.01 * np.eye(8)]).astype(np.float32)
    shared, own = (
        np.asarray(Image.open(io.BytesIO(mosaic.png(weak, own_scale=own))).convert("L"))
        for own in (False, True)
    )
    half = shared.shape[1] // 2
    assert shared[:, half + 5 :].max() < 100 < own[:, half + 5 :].max()


def test_the_frame_is_drawn_where_the_receptive_field_is():
    view = np.zeros((32, 32, 3), np.uint8)
    field = zoo.explain.ReceptiveField(4, 8, 12, 20)
    pixels = np.asarray(Image.open(io.BytesIO(trace_cache.over(view, None, field))))
    rows, columns = np.nonzero(pixels.sum(axis=2))
    scale = len(pixels) // 32
    assert (rows.min(), rows.max() + 1) == (4 * scale, 12 * scale)
    assert (columns.min(), columns.max() + 1) == (8 * scale, 20 * scale)
