"""How a metric spreads over cars and angles."""

from __future__ import annotations

import math

import pytest

from zoo.segmentation import iou_by_group

IMAGES = {
    "0cdf5b5d0ce1_02": 0.98,
    "0cdf5b5d0ce1_01": 0.96,
    "00087a6bd4dc_01": 0.99,
    "streets": 0.1,
}


def test_views_come_from_carvanas_names():
    seen = iou_by_group.views(IMAGES)
    assert [(view.car, view.angle) for view in seen] == [
        ("00087a6bd4dc", 1),
        ("0cdf5b5d0ce1", 1),
        ("0cdf5b5d0ce1", 2),
    ]
    assert iou_by_group.views({}) == []


def test_groups_by_car_begin_with_the_hardest():
    hard, easy = iou_by_group.by_car(iou_by_group.views(IMAGES))
    assert (hard.name, hard.n, hard.worst.angle) == ("0cdf5b5d0ce1", 2, 1)
    assert hard.mean == pytest.approx(0.97)
    assert hard.std == pytest.approx(0.02 / math.sqrt(2))  # n − 1
    assert (easy.name, easy.n, easy.mean) == ("00087a6bd4dc", 1, 0.99)
    assert math.isnan(easy.std)


def test_groups_by_angle():
    first, second = iou_by_group.by_angle(iou_by_group.views(IMAGES))
    assert (first.name, first.n, second.name, second.n) == ("1", 2, "2", 1)
    assert first.mean == pytest.approx(0.975)


def test_worst_images_first():
    assert [view.iou for view in iou_by_group.worst(iou_by_group.views(IMAGES), 2)] == [
        0.96,
        0.98,
    ]


def test_dice_follows_from_iou():
    assert iou_by_group.View("a", 1, 0.5).dice == pytest.approx(2 / 3)
    assert iou_by_group.View("a", 1, 1.0).dice == 1
