"""Phone photos with partial masks: reading, the hold-out, augmentation, the loss, the metric."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny_cars import CPU, PLAIN, TINY, draw, encode, pair, write_parquet
from training.carvana.carvana_recipe import train
from training.data import car_photos as data
from training.data.car_photos import CAR, ELSEWHERE, UNKNOWN, CarPhoto
from training.data.cars.augment_car_photos import ABSENT, CERTAIN, NONE, PhonePhotoAugmentation
from training.data.cars.augment_cars import CarAugmentation, TrainingSources
from training.data.cars.car_batches import collate
from training.data.cars.car_mix import CarMix
from training.data.carvana_photos import ImageMaskPair
from training.engine.failures import TrainingError
from training.metrics import phone_photos
from training.metrics.mask_losses import LOSSES, pick
from training.metrics.mask_predictions import ValidationSet
from training.metrics.partial_masks import MARGIN, NEAR, worth_learning

STILL = PhonePhotoAugmentation(zoom=(1, 1), longest=48, widen=(1, 1), tilt=0, jitter=PLAIN)


def photo(name: str, seed: int = 0) -> CarPhoto:
    """Return a photo of which the box's middle is labelled, and its edge is unknown."""
    image, box = draw(seed, width=48, height=48)
    rows, columns = (np.flatnonzero(box.any(axis=axis)) for axis in (1, 0))
    mask = np.full(box.shape, ELSEWHERE, np.uint8)
    mask[rows[0] - 2 : rows[-1] + 3, columns[0] - 2 : columns[-1] + 3] = UNKNOWN
    mask[rows[2] : rows[-2], columns[2] : columns[-2]] = CAR
    return CarPhoto(name, encode(image, "PNG"), encode(mask, "PNG"))


def write(folder: Path, photos: list[CarPhoto]) -> None:
    write_parquet(
        folder / "carparts/all.parquet", [ImageMaskPair(p.name, p.image, p.mask) for p in photos]
    )


def test_a_photo_and_its_like_are_on_one_side(tmp_path: Path) -> None:
    names = [f"train{number}" for number in range(1, 401)]
    sides = data.split_photos(names)
    assert [list(sides.values()).count(side) for side in data.SPLITS] == [320, 60, 20]
    for group in data.SAME_CAR:
        assert len({sides[f"train{number}"] for number in group}) == 1
    assert data.split_photos(reversed(names)) == sides
    write(tmp_path, [photo(name) for name in names[:40]])
    found = {side: {p.name for p in data.load(tmp_path, side)} for side in data.SPLITS}
    assert set.union(*found.values()) == set(names[:40])
    assert sum(map(len, found.values())) == 40


def test_no_car_is_in_two_groups() -> None:
    numbers = [number for group in data.SAME_CAR for number in group]
    assert len(numbers) == len(set(numbers))


def test_damage_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no car photos"):
        data.load(tmp_path, "train")
    good = photo("train1")
    gray = encode(np.full((48, 48), 77, np.uint8), "PNG")
    write(tmp_path, [good, replace(good, name="train2", mask=gray)])
    with pytest.raises(TrainingError, match="mask of train2 has other values"):
        data.load(tmp_path, "train")
    with pytest.raises(TrainingError, match="The splits are"):
        data.load(tmp_path, "all")


def test_nothing_is_known_outside_the_photo() -> None:
    one = photo("train1")
    image, mask = one.read()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        shown, share, trust = STILL(one, 64, 80, rng)
        assert shown.shape == (64, 80, 3)
        assert np.count_nonzero(trust == CERTAIN) == np.count_nonzero(mask == CAR)
        assert np.count_nonzero(trust == ABSENT) == np.count_nonzero(mask == ELSEWHERE)
        np.testing.assert_array_equal(trust == CERTAIN, share == 255)
        # It is the photo itself, mirrored or not.
        known = image[mask == CAR].astype(int).sum()
        assert shown[share == 255].astype(int).sum() == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize("size", [(32, 32), (24, 96), (96, 24)])
def test_labels_follow_the_car(size: tuple[int, int]) -> None:
    how = replace(STILL, zoom=(0.6, 1.6), widen=(0.8, 1.5), tilt=0.5)
    one = photo("train1", seed=3)
    image, mask = one.read()
    car, rest = image[mask == CAR].mean(), image[mask == ELSEWHERE].mean()
    for seed in range(20):
        shown, share, trust = how(one, *size, np.random.default_rng(seed))
        assert shown.dtype == share.dtype == trust.dtype == np.uint8
        assert share.shape == trust.shape == shown.shape[:2] == size
        assert set(np.unique(trust)) <= {NONE, ABSENT, CERTAIN}
        if np.count_nonzero(share) > 20:
            assert shown[share == 255].mean() == pytest.approx(car, abs=12)
        if np.count_nonzero(trust == ABSENT) > 20:
            assert shown[trust == ABSENT].mean() == pytest.approx(rest, abs=12)


def test_the_mix_spreads_phone_photos_evenly() -> None:
    photos = [photo(f"train{number}", seed=number) for number in range(5)]
    sources = TrainingSources([pair("studio")], photos=photos)
    mix = CarMix(CarAugmentation(24, 32), photo=0.4, photos=STILL)
    partial = [bool((mix(sources, 0, number)[2] != CERTAIN).any()) for number in range(20)]
    assert [sum(partial[first : first + 5]) for first in range(0, 20, 5)] == [2, 2, 2, 2]
    without = [mix(TrainingSources(sources.studio), 0, number)[2] for number in range(5)]
    assert all((trust == CERTAIN).all() for trust in without)


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return logits, target and trust of one image: a car on the left, its surroundings known."""
    trust = torch.full((1, 1, 20, 40), ABSENT, dtype=torch.uint8)
    trust[..., :16] = NONE
    trust[..., 4:16, 2:12] = CERTAIN
    target = (trust == CERTAIN).float()
    return torch.full((1, 1, 20, 40), -5.0), target, trust


def learned(logits: torch.Tensor, trust: torch.Tensor) -> torch.Tensor:
    return worth_learning(logits, trust > NONE, trust == ABSENT)


def test_unknown_pixels_carry_no_loss() -> None:
    logits, target, trust = scene()
    chosen = learned(logits, trust)
    assert torch.equal(chosen, trust > NONE)
    for loss in LOSSES.values():
        logits = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0))
        moved = torch.where(trust == NONE, logits + 3, logits)
        ends = [loss(*pick(some, target, learned(some, trust))) for some in (logits, moved)]
        assert ends[0] == ends[1]


def test_another_car_that_the_network_sees_is_left_out() -> None:
    logits, _, trust = scene()
    logits[..., 6:14, 28:35] = 1.0
    left_out = (trust > NONE) & ~learned(logits, trust)
    assert left_out.sum() == (8 + 2 * MARGIN) * (7 + 2 * MARGIN)
    assert left_out[..., 6:14, 28:35].all()


@pytest.mark.parametrize("logit", [4.0, 0.5, -1.0])
def test_what_hangs_on_the_labelled_car_is_learned_from_near_it(logit: float) -> None:
    logits, _, trust = scene()
    logits[..., 5:15, 10:35] = logit
    left_out = (trust > NONE) & ~learned(logits, trust)
    reach = round(NEAR * 800**0.5)
    assert left_out.sum() == 10 * (35 - 16 - reach)
    assert left_out[..., 5:15, 16 + reach : 35].all()


def test_a_speck_beside_the_labelled_car_is_learned_from() -> None:
    logits, _, trust = scene()
    logits[..., 5, 17] = 1.0
    assert torch.equal(learned(logits, trust), trust > NONE)


def test_far_away_sure_background_is_learned_from() -> None:
    logits, _, trust = scene()
    assert learned(logits, trust)[..., 25:].all()
    assert not learned(logits + 4, trust)[..., 25:].any(), "for all it knows there may be a car"


def test_a_batch_says_what_its_masks_know() -> None:
    image, share = np.zeros((4, 6, 3), np.uint8), np.full((4, 6), 255, np.uint8)
    trust = np.full((4, 6), CERTAIN, np.uint8)
    device = torch.device("cpu")
    whole = collate([(image, share, trust)], device)
    assert whole.known is None
    assert whole.absent is None
    trust = trust.copy()
    trust[0], trust[1] = NONE, ABSENT
    part = collate([(image, share, trust)], device)
    assert part.known is not None
    assert part.absent is not None
    assert not part.known[0, 0, 0].any()
    assert part.known[0, 0, 1:].all()
    assert part.absent[0, 0].any(dim=1).tolist() == [False, True, False, False]


def partial_mask() -> np.ndarray:
    """Return a mask of 100 labelled pixels with a strip of unknown ones around."""
    mask = np.full((40, 60), ELSEWHERE, np.uint8)
    mask[8:22, 8:22] = UNKNOWN
    mask[10:20, 10:20] = CAR
    return mask


def test_recall_and_both_kinds_of_false_car() -> None:
    mask = partial_mask()
    predicted = mask == CAR
    predicted[10:12, 10:20] = False  # 20 of 100 missed
    predicted[12:14, 20:30] = True  # 20, of which 4 are unknown
    predicted[30:33, 40:50] = True  # 30 apart
    answer = phone_photos.compare(predicted, mask)
    assert answer == phone_photos.PhotoAnswer(recall=0.8, attached=0.16, other=0.3)


def test_pixels_that_touch_at_a_corner_belong_together() -> None:
    mask = np.full((10, 10), ELSEWHERE, np.uint8)
    mask[:5, :5] = CAR
    predicted = mask == CAR
    predicted[5, 5] = True
    assert phone_photos.compare(predicted, mask).attached == 1 / 25


@pytest.mark.parametrize(
    ("recall", "attached", "other", "good", "fair"),
    [
        (0.97, 0.03, 0.03, True, True),
        (0.969, 0.0, 0.0, False, True),
        (1.0, 0.031, 0.0, False, True),
        (1.0, 0.0, 0.031, False, True),
        (0.90, 0.10, 5.0, False, True),
        (0.899, 0.0, 0.0, False, False),
        (1.0, 0.101, 0.0, False, False),
    ],
)
def test_good_and_fair(recall, attached, other, good, fair) -> None:
    answer = phone_photos.PhotoAnswer(recall, attached, other)
    assert (answer.good, answer.fair) == (good, fair)


def test_the_metrics_of_a_data_set() -> None:
    mask = partial_mask()
    rows = [("a", mask == CAR, mask), ("b", np.zeros(mask.shape, bool), mask)]
    metrics = phone_photos.measure(rows)
    assert metrics["good"] == metrics["fair"] == metrics["recall"] == 0.5
    assert metrics["photos"]["b"] == {"recall": 0.0, "attached": 0.0, "other": 0.0}
    with pytest.raises(ValueError, match="no photos"):
        phone_photos.measure([])


@pytest.mark.usefixtures("one_thread")
def test_training_learns_from_phone_photos_alone_what_they_know(tmp_path: Path) -> None:
    photos = [photo(f"train{number}", seed=number) for number in range(4)]
    recipe = replace(
        TINY, epochs=2, images=240, low_res_fraction=0.0, widths=(12, 16), peak_learning_rate=0.01,
        photo=1.0, photos=STILL, averaging=0.9, augmentation=CarAugmentation(48, 48),
    )  # fmt: skip
    sources = TrainingSources([pair("studio")], photos=photos)
    record = train(
        recipe, sources, ValidationSet([pair("studio")], photos=photos), tmp_path, CPU, quiet=True
    )
    phone = record["metrics"]["validation_phone"]
    assert phone["n"] == 4
    assert phone["good"] == 1.0
    assert {"phone_good", "phone_fair"} <= record["history"][-1]["validation"].keys()
    assert record["photos"]["phone"] == 4
