"""The interview's experiments about a network in use, as rehearsals; video in a made-up time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.experiments.rehearsal import rehearse
from tests.training.tiny_cars import CPU, pair, write_kaggle
from training.carvana.carvana_record import segmenter
from training.data import carvana_photos
from training.experiments.deployment import (
    answer_ways,
    frame_budget,
    frame_skip,
    latency_front,
    moving_photos,
    small_object_cost,
    video_queue,
)
from zoo.networks.segmentation.unet import UNet

pytestmark = pytest.mark.usefixtures("one_thread")


class Time:
    """A clock that goes on when somebody sleeps or answers."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def played(rate: float, service: float, **how: Any) -> video_queue.Play:
    time = Time()
    made = video_queue.Play(rate, 2.0, clock=time.clock, sleep=time.sleep, **how)
    made.run(lambda _: time.sleep(service))
    return made


def test_a_queue_grows_and_the_newest_frame_stays_young() -> None:
    waits, drops = played(20, 0.1), played(20, 0.1, newest=True)
    skips = played(20, 0.1, every=2)
    last = {
        name: video_queue.row_of(made)["last_latency_ms"]
        for name, made in {"wait": waits, "drop": drops, "skip": skips}.items()
    }
    assert last["wait"] == pytest.approx(1050, abs=60)  # half of the frames wait for the others
    assert last["drop"] <= 150.001
    assert last["skip"] == pytest.approx(100, abs=1)
    assert [frame for frame, *_ in skips.answered] == list(range(0, 40, 2))
    row = video_queue.row_of(drops)
    assert row["answered"] + row["dropped"] == row["frames"] == 40


def test_the_age_of_what_is_shown_counts_the_time_until_the_next_answer() -> None:
    made = video_queue.Play(1.0, 4.0, answered=[(0, 0.0, 1.0), (2, 2.0, 3.0)])
    assert video_queue.shown_age(made) == pytest.approx(1000 * (2 * 2.0 + 1 * 1.5) / 3)


def test_a_queue_that_keeps_up_drops_nothing() -> None:
    row = video_queue.row_of(played(10, 0.02))
    assert row["dropped"] == 0
    assert row["latency_p95_ms"] == pytest.approx(20, abs=1)


def test_the_video_moves_as_it_says_and_carries_masks_along() -> None:
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 255, (400, 640, 3), dtype=np.uint8))
    photo = photo.resize((1280, 800), Image.Resampling.BICUBIC)
    video = moving_photos.record(photo, 12, 6.0, seed=1)
    left, top, right, bottom = np.array(video.boxes).T
    assert min(left.min(), top.min()) >= -1e-6
    assert right.max() <= 1280 + 1e-6
    assert bottom.max() <= 800 + 1e-6
    middles = np.stack([(left + right) / 2, (top + bottom) / 2])
    pixels = np.linalg.norm(np.diff(middles), axis=0) / (right - left)[1:] * 512
    assert np.median(pixels) == pytest.approx(6, rel=0.4)
    bright = [video.frame(n).mean(axis=2) > 140 for n in (0, 3)]
    carried = video.carried(bright[0], 0, 3)
    seen = np.isfinite(carried)
    agreed = (carried[seen] > 0.5) == bright[1][seen]
    apart = bright[0][seen] == bright[1][seen]
    assert agreed.mean() > apart.mean() + 0.2


def test_motion_is_found_and_a_mask_follows_it() -> None:
    rng = np.random.default_rng(0)
    texture = rng.random((120, 160)).astype(np.float32)
    before, after = texture[20:100, 30:130], texture[15:95, 33:133]
    down, right = frame_skip.motion(before, after)
    assert (down, right) == (5 * frame_skip.HALF, -3 * frame_skip.HALF)
    mask = np.zeros((20, 20), bool)
    mask[5:10, 5:10] = True
    assert frame_skip.moved(mask, (2, -3))[7:12, 2:7].all()


def test_every_frame_answered_loses_nothing(tmp_path: Path) -> None:
    content = rehearse(frame_skip, tmp_path, tmp_path)
    for row in content["rows"]:
        assert 0 <= row["worst"] <= row["iou"] <= 1
        if row["every"] == 1:
            assert row["iou"] == 1.0


def test_budget_and_queue_rehearse(tmp_path: Path) -> None:
    budget = rehearse(frame_budget, tmp_path, tmp_path)
    assert {row["stage"] for row in budget["rows"]} == set(frame_budget.STAGES)
    queue = rehearse(video_queue, tmp_path, tmp_path)
    assert {row["policy"] for row in queue["rows"]} == set(video_queue.POLICIES)
    cost = rehearse(small_object_cost, tmp_path, tmp_path)
    assert all(
        row["ratio"] == 1.0
        for row in cost["rows"]
        if (row["network"], row["method"]) == ("usual", "as it is")
    )


def test_the_front_has_what_nothing_else_beats() -> None:
    rows = [
        {"milliseconds": ms, "iou": iou}
        for ms, iou in ((10, 0.9), (20, 0.95), (30, 0.94), (40, 0.97), (5, None))
    ]
    latency_front.mark_front(rows)
    assert [row["on_front"] for row in rows] == [True, True, False, True, False]


def test_the_front_is_measured_in_every_way(tmp_path: Path) -> None:
    write_kaggle(tmp_path, [pair(f"{k:012x}", seed=k) for k in range(8)])
    content = rehearse(latency_front, tmp_path, tmp_path / "out")
    carvana_photos._read.cache_clear()
    ways = {row["way"] for row in content["rows"]}
    assert {"PyTorch", "PyTorch, channels_last, folded, bfloat16"} <= ways
    for runtime in answer_ways.OPTIONAL:
        assert (runtime in ways) != bool({runtime, "ONNX Runtime"} & set(content["missing"]))


def test_all_ways_give_one_answer() -> None:
    torch.manual_seed(0)
    network = UNet((4, 6, 8)).eval()
    example = np.random.default_rng(0).standard_normal((1, 3, 32, 48)).astype(np.float32)
    wanted = network(torch.from_numpy(example)).detach().numpy()
    size = np.abs(wanted).max()
    ways = [
        *answer_ways.torch_ways(network, example, compiles=False),
        *answer_ways.exported_ways(segmenter(network, 0.5, CPU), [example]),
    ]
    limit = {"float32": 1e-3, "bfloat16": 0.05, "int8": 0.2}
    for way in ways:
        assert np.abs(way.answer(example) - wanted).max() < limit[way.format] * size, way.name
