"""Reading Carvana: two layouts, the split by car, damage; streets; augmentation."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.tiny_cars import PLAIN, draw, encode, pair, write_kaggle, write_parquet
from training.data import carvana_photos as data
from training.data import street_photos
from training.data.cars.augment_cars import CarAugmentation, TrainingSources
from training.data.cars.car_batches import CarPlan, batches
from training.data.cars.car_mix import CarMix
from training.data.cars.pasted_cars import whiten
from training.data.cars.photometric_jitter import LUMA, PhotometricJitter
from training.data.carvana_photos import ImageMaskPair
from training.engine.failures import TrainingError
from zoo.preprocessing import images as zoo_images

CARS = [f"{number:012x}" for number in range(12)]


@pytest.fixture(autouse=True)
def _forget():
    yield
    data._read.cache_clear()


def photos() -> list[ImageMaskPair]:
    return [pair(car, angle, seed=7 * k + angle) for k, car in enumerate(CARS) for angle in (1, 2)]


def test_kaggle_and_parquet_give_the_same_images(tmp_path: Path) -> None:
    write_kaggle(tmp_path / "kaggle", photos())
    files = [
        ImageMaskPair(
            p.name, (tmp_path / f"kaggle/carvana/train/{p.name}.jpg").read_bytes(), p.mask
        )
        for p in photos()
    ]
    write_parquet(tmp_path / "parquet/carvana/all.parquet", files)
    for split in ("train", "validation", "test", "all"):
        first, second = (data.load(tmp_path / kind, split) for kind in ("kaggle", "parquet"))
        assert [p.name for p in first] == [p.name for p in second]
        for one, other in zip(first, second, strict=True):
            for a, b in zip(one.read(), other.read(), strict=True):
                np.testing.assert_array_equal(a, b)


def test_no_car_is_on_two_sides(tmp_path: Path) -> None:
    write_kaggle(tmp_path, photos())
    sides = {s: {p.car for p in data.load(tmp_path, s)} for s in ("train", "validation", "test")}
    assert sum(len(cars) for cars in sides.values()) == len(CARS)
    assert set.union(*sides.values()) == set(CARS)
    assert all(sides.values())
    assert {p.car for p in data.load(tmp_path, "all")} == sides["train"] | sides["validation"]


def test_the_fixed_test_cars_are_the_test_cars() -> None:
    train, validation, test = data.split_cars([*CARS, *data.TEST_CARS])
    assert test == set(data.TEST_CARS)
    assert len(validation) == 2
    assert len(train) == 10


def test_large_photos_come_at_the_working_size(tmp_path: Path) -> None:
    write_kaggle(tmp_path, [pair(car, width=1024, height=684) for car in CARS])
    image, mask = data.load(tmp_path, "train")[0].read()
    assert image.shape == (342, 512, 3)
    assert mask.shape == (342, 512)
    full, _ = data.load(tmp_path, "train", full_size=True)[0].read()
    assert full.shape == (684, 1024, 3)


def test_damage_is_reported_by_name(tmp_path: Path) -> None:
    write_kaggle(tmp_path, photos())
    photo = tmp_path / f"carvana/train/{CARS[0]}_01.jpg"
    photo.write_bytes(photo.read_bytes()[:200])
    image, mask = draw(0)
    wrong = tmp_path / f"carvana/train_masks/{CARS[1]}_02_mask.gif"
    wrong.write_bytes(encode(mask[:-3].astype(np.uint8) * 255, "GIF"))
    with pytest.raises(TrainingError) as error:
        data.load(tmp_path, "train")
    message = str(error.value)
    assert f"{CARS[0]}_01 cannot be read" in message
    assert f"{CARS[1]}_02 has 48 × 32 and the mask 48 × 29 pixels" in message
    assert "\n" not in message
    assert image.shape == (32, 48, 3)


@pytest.mark.parametrize("white", [1, 26])
def test_masks_of_class_numbers_are_understood(tmp_path: Path, white: int) -> None:
    made = [
        dataclasses.replace(p, mask=encode(p.read()[1].astype(np.uint8) * white, "PNG"))
        for p in photos()
    ]
    write_parquet(tmp_path / "carvana/all.parquet", made)
    expected = {p.name: p.read()[1] for p in photos()}
    for one in data.load(tmp_path, "all"):
        np.testing.assert_array_equal(one.read()[1], expected[one.name])
        assert one.read()[1].any()


def test_masks_of_several_classes_are_refused_by_name(tmp_path: Path) -> None:
    made = photos()
    _, mask = made[3].read()
    several = mask.astype(np.uint8)
    several[:8] = 2
    made[3] = dataclasses.replace(made[3], mask=encode(several, "PNG"))
    write_parquet(tmp_path / "carvana/all.parquet", made)
    with pytest.raises(TrainingError, match=f"the mask of {made[3].name} .* may be classes"):
        data.load(tmp_path, "train")


def test_a_missing_mask_is_reported_by_name(tmp_path: Path) -> None:
    write_kaggle(tmp_path, photos())
    (tmp_path / f"carvana/train_masks/{CARS[3]}_01_mask.gif").unlink()
    with pytest.raises(TrainingError, match=f"{CARS[3]}_01 has no mask"):
        data.load(tmp_path, "train")


def test_where_nothing_is_it_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"kaggle\.com/c/carvana"):
        data.load(tmp_path, "train")


def test_streets_are_split_by_drive(tmp_path: Path) -> None:
    names = ["camvid-0016E5_01", "camvid-0016E5_02", "camvid-0006R0_01", "camvid-Seq05VD_f1"]
    made = [dataclasses.replace(pair("x", seed=k), name=name) for k, name in enumerate(names)]
    made.append(
        ImageMaskPair("camvid-0006R0_02", made[0].image, encode(np.zeros((32, 48), bool), "PNG"))
    )
    write_parquet(tmp_path / "backgrounds/streets.parquet", made)
    read = {
        s: [p.name for p in street_photos.load(tmp_path, s)]
        for s in ("train", "validation", "test")
    }
    assert read["train"] == names[:2]
    assert read["test"] == names[3:]
    large = [p.name for p in street_photos.load(tmp_path, "validation", large_only=True)]
    assert large == [names[2]]
    assert len(read["validation"]) == 2


def test_normalization_is_that_of_the_zoo_bit_for_bit() -> None:
    image, _ = draw(0)
    mine = data.normalize(torch.from_numpy(image[None]))[0].numpy()
    np.testing.assert_array_equal(mine, zoo_images.normalize(image, data.MEAN, data.STD))


def sources() -> TrainingSources:
    ground = encode(np.full((40, 60, 3), (20, 160, 20), np.uint8), "PNG")
    return TrainingSources([pair(car, seed=k) for k, car in enumerate(CARS)], (), [ground])


def test_a_crop_moves_the_mask_with_the_car() -> None:
    augmentation = CarAugmentation(32, 48, street=0, paste=0, jitter=PLAIN)
    one = pair("x", seed=3)
    colour = one.read()[0][one.read()[1]][0].astype(int)  # the box has one colour
    for seed in range(20):
        image, share = augmentation(TrainingSources([one]), 0, np.random.default_rng(seed))
        car = np.abs(image.astype(int) - colour).max(axis=-1) < 12
        assert car[share == 255].all()
        assert not car[share == 0].any()


def test_a_pasted_car_is_where_the_mask_says() -> None:
    augmentation = CarAugmentation(
        32, 48, street=0, paste=1, car_width=(0.3, 0.6), cars=(0, 1), jitter=PLAIN
    )
    seen = 0
    for seed in range(20):
        image, share = augmentation(sources(), 2, np.random.default_rng(seed))
        green = (image[..., 1] > 60) & (image[..., 1] > 3 * image[..., 0].astype(int))
        assert green[share == 0].all()
        assert not green[share == 255].any()
        seen += bool((share == 255).any())
    assert seen > 10


def test_an_unscaled_photo_keeps_its_pixels() -> None:
    image, mask = pair("studio", seed=3).read()
    where = TrainingSources([pair("studio", seed=3)])
    seen = set()
    for size in ((20, 30), (mask.shape[0] + 6, 30)):  # smaller, and higher than the photo
        how = CarAugmentation(*size, street=0, paste=0, unscaled=1, jitter=PLAIN)
        photo = np.pad(image, ((6, 6), (0, 0), (0, 0)), mode="edge")
        marked = np.pad(mask, ((6, 6), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(photo, (*size, 3))[:, :, 0]
        for seed in range(12):
            shown, share = how(where, 0, np.random.default_rng(seed))
            for mirrored in (False, True):
                a, b = (shown[:, ::-1], share[:, ::-1]) if mirrored else (shown, share)
                places = np.argwhere((windows == a).all(axis=(2, 3, 4)))
                if any(
                    np.array_equal(marked[y : y + size[0], x : x + size[1]] * 255, b)
                    for y, x in places
                ):
                    seen.add((size, mirrored, *places[0]))
                    break
            else:
                pytest.fail("no part of the photo, pixel by pixel")
    assert {mirrored for _, mirrored, *_ in seen} == {False, True}
    assert len(seen) > 12, "different parts"


def test_a_pasted_car_may_be_painted_and_tilted_and_the_mask_goes_with_it() -> None:
    augmentation = CarAugmentation(
        32, 48, street=0, paste=1, car_width=(0.4, 0.6), cars=(0, 1), jitter=PLAIN, paint=1, tilt=1
    )
    colours = set()
    for seed in range(20):
        image, share = augmentation(sources(), 2, np.random.default_rng(seed))
        ground = np.abs(image.astype(int) - (20, 160, 20)).max(axis=-1) < 3
        assert ground[share == 0].all()
        colours |= {int(np.argmax(rgb)) for rgb in image[share == 255]}
    assert colours == {0, 1, 2}, "one car: reddish, greenish and bluish"


def test_a_car_made_white_has_a_bright_body_and_dark_tyres() -> None:
    rng = np.random.default_rng(0)
    alpha = np.pad(np.ones((16, 24), np.float32), 4)
    car = np.full((24, 32, 3), (90, 30, 20), np.float32) * alpha[..., None]
    car[16:20, 6:10] = 8  # a tyre
    for _ in range(20):
        white = whiten(car, alpha, rng)
        body, tyre = white[10, 10], white[18, 8]
        assert 0.4 * 255 < body @ LUMA < 255
        assert np.ptp(body) < 0.35 * np.ptp(car[10, 10]), "little of its colour is left"
        assert tyre.max() < 0.5 * (body @ LUMA)
    snow = np.full_like(car, 250)
    np.testing.assert_allclose(whiten(snow, alpha, rng), snow, atol=6)
    how = CarAugmentation(
        32, 48, street=0, paste=1, car_width=(0.5, 0.6), cars=(0, 1), jitter=PLAIN, paint=0, tilt=0
    )
    seen = []
    for white in (how, dataclasses.replace(how, white=1)):
        examples = [white(sources(), 2, np.random.default_rng(seed)) for seed in range(20)]
        seen.append(np.concatenate([image[share == 255] for image, share in examples]).mean())
    assert seen[1] > seen[0] + 20


def test_dappled_light_lies_on_the_car_alone() -> None:
    still = CarAugmentation(
        32, 48, street=0, paste=1, car_width=(0.5, 0.6), cars=(0, 1), jitter=PLAIN, paint=0, tilt=0
    )
    dappled = dataclasses.replace(still, random_shadow=1)
    spreads = []
    for how in (still, dappled):
        examples = [how(sources(), 2, np.random.default_rng(seed)) for seed in range(20)]
        for image, share in examples:
            ground = np.abs(image.astype(int) - (20, 160, 20)).max(axis=-1) < 3
            assert ground[share == 0].all()
        spreads.append(
            np.mean([image[share == 255].std(axis=0).mean() for image, share in examples])
        )
    assert spreads[1] > spreads[0] + 5


def test_on_a_street_its_own_vehicles_stay_marked() -> None:
    street = pair("street", seed=7)
    how = CarAugmentation(
        32, 48, street=0, paste=1, on_streets=1, car_width=(0.3, 0.5), cars=(0, 1), jitter=PLAIN,
        zoom=(1, 1), stretch=0, motion=0,
    )  # fmt: skip
    where = dataclasses.replace(sources(), streets=[street])
    there = np.count_nonzero(street.read()[1])
    both = 0
    for seed in range(20):
        photo, share = how(where, 2, np.random.default_rng(seed))
        ground = np.abs(photo.astype(int) - (20, 160, 20)).max(axis=-1) < 3
        assert not ground.any(), "no background but the street"
        marked = np.count_nonzero(share > 127)
        assert marked > 0.9 * there
        both += marked > 1.1 * there
    assert both > 5


def neighbours_differ(pixels: np.ndarray) -> float:
    """Return the mean difference of pixels beside each other."""
    return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())


def test_a_background_at_its_own_pixels_is_as_sharp_as_it_was_and_goes_on_mirrored() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 1), np.uint8).repeat(3, 2)
    ramp = np.arange(60, dtype=np.uint8)[None, :, None].repeat(40, 0).repeat(3, 2)
    sharp = {}
    for chance in (0.0, 1.0):
        made = CarAugmentation(128, 192, own_pixels=chance)
        shown = [made.background(encode(noise, "PNG"), np.random.default_rng(k)) for k in range(5)]
        assert {image.shape for image in shown} == {(128, 192, 3)}
        sharp[chance] = np.mean([neighbours_differ(image) for image in shown])
        for seed in range(5):
            image = made.background(encode(ramp, "PNG"), np.random.default_rng(seed)).astype(int)
            assert np.abs(np.diff(image, axis=1)).max() <= 3, "no seam"
            assert 0 <= image.min() < 20 < 40 < image.max() < 60
    assert sharp[1.0] > 2 * sharp[0.0]


def test_streets_may_be_zoomed_otherwise_than_the_studio() -> None:
    sources = TrainingSources([pair("c", seed=1)], [pair("s", seed=1)])
    shares = {}
    for kind, street in (("street", 1.0), ("studio", 0.0)):
        made = CarAugmentation(
            32, 48, street, 0, (1, 1), street_zoom=(2, 2), stretch=0, jitter=PLAIN
        )
        images = [made(sources, 0, np.random.default_rng(seed))[1] for seed in range(40)]
        shares[kind] = np.mean([image.mean() for image in images])
    assert shares["street"] > 1.3 * shares["studio"], "the window shows the middle larger"


def test_sharpening_steepens_an_edge_and_leaves_plain_parts() -> None:
    image = np.full((32, 32, 3), 80, np.uint8)
    image[:, 16:] = 160
    for seed in range(5):
        sharp = dataclasses.replace(PLAIN, sharpen=1.0)
        changed = sharp.recolour(image.astype(np.float32), np.random.default_rng(seed))
        got = sharp(image, np.random.default_rng(seed)).astype(float)
        assert np.ptp(got[:, 14:18]) > 1.1 * np.ptp(changed[:, 14:18])
        np.testing.assert_allclose(got[:, :8], changed[:, :8], atol=0.51)


def test_an_evening_is_darker_and_keeps_the_mask() -> None:
    day = CarAugmentation(32, 48, street=0, paste=0, jitter=PLAIN)
    evening = dataclasses.replace(day, jitter=dataclasses.replace(PLAIN, dusk=1))
    for seed in range(10):
        bright, dark = (how(sources(), 2, np.random.default_rng(seed)) for how in (day, evening))
        assert dark[0].mean() < bright[0].mean()
        np.testing.assert_array_equal(dark[1], bright[1])


def test_turning_hues_keeps_gray() -> None:
    pixels = np.array([[[90, 90, 90], [200, 30, 60]]], np.float32)
    jitter = dataclasses.replace(PLAIN, hue=1)
    seen = [jitter.recolour(pixels, np.random.default_rng(seed)) for seed in range(5)]
    for turned in seen:
        np.testing.assert_allclose(turned[0, 0], 90, atol=1e-3)
    assert np.ptp([turned[0, 1, 0] for turned in seen]) > 50


def test_light_changes_no_size_and_keeps_the_range() -> None:
    jitter = PhotometricJitter(gray=0.5, blur=0.5, noise=0.5, jpeg=0.5)
    image, _ = draw(0)
    changed = [jitter(image, np.random.default_rng(seed)) for seed in range(20)]
    assert all(c.shape == image.shape and c.dtype == np.uint8 for c in changed)
    assert sum(np.array_equal(c, image) for c in changed) == 0


def test_images_depend_on_their_number_alone() -> None:
    plan, how = CarPlan(sources(), 5), CarMix(CarAugmentation(32, 48))
    cpu = torch.device("cpu")
    pairs = list(batches(plan, [(range(0, 4), how), (range(4, 8), how)], cpu, threads=2))
    whole = next(batches(plan, [(range(8), how)], cpu))
    for position in range(2):
        joined = torch.cat([batch[position] for batch in pairs])
        torch.testing.assert_close(joined, whole[position], rtol=0, atol=0)
    assert whole[0].shape == (8, 3, 32, 48)
    assert whole[1].shape == (8, 1, 32, 48)
    assert whole[1].min() >= 0
    assert whole[1].max() == 1


def test_every_photo_comes_once_before_any_comes_twice() -> None:
    seen: list[int] = []

    def note(sources: TrainingSources, index: int, rng: np.random.Generator):
        seen.append(index)
        return draw(0)

    plan = CarPlan(sources(), 0)
    for number in range(24):
        plan.make(number, CarMix(note))  # type: ignore[arg-type]
    assert sorted(seen[:12]) == sorted(seen[12:]) == list(range(12))
    assert seen[:12] != seen[12:]


def _as(kind: str, mask: np.ndarray) -> bytes:
    """Return a mask as a PNG of one of the kinds that people have."""
    if kind == "16 bits":
        image = Image.fromarray(mask.astype(np.uint16) * 65535)
    elif kind == "a palette's dark red":
        image = Image.fromarray(mask.astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 128, 0, 0])
    else:
        image = Image.fromarray(mask.astype(np.uint8) * {"0 and 1": 1, "class 7": 7}[kind])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["0 and 1", "class 7", "16 bits", "a palette's dark red"])
def test_masks_of_many_kinds_mark_the_same_car(kind: str) -> None:
    image, mask = draw(3)
    one = ImageMaskPair("c_01", encode(image, "PNG"), _as(kind, mask))
    np.testing.assert_array_equal(one.read()[1], mask)


def test_a_mask_of_several_classes_is_refused_and_not_read_as_empty() -> None:
    image, mask = draw(3)
    classes = mask.astype(np.uint8) * 7
    classes[:2] = 11
    with pytest.raises(
        TrainingError, match=r"mask of c_01 cannot be read \(The mask has the values 0, 7, 11"
    ):
        ImageMaskPair("c_01", encode(image, "PNG"), encode(classes, "PNG")).read()
