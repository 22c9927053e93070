"""What a person changes in a mask holds at every size, and a browser can send what it likes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoo.segmentation import mask_edits
from zoo.segmentation.mask_edits import Box, Stroke

DAB = {"kind": "erase", "radius": 0.05, "points": [[0.5, 0.5]]}
BOX = {"kind": "box", "box": [0.1, 0.2, 0.5, 0.9]}


def full(width: int = 200, height: int = 100) -> np.ndarray:
    return np.full((height, width), 0.8, np.float32)


def test_a_box_keeps_what_is_inside_and_nothing_else():
    (edit,) = mask_edits.read([BOX])
    kept = mask_edits.apply(full(), [edit])
    assert np.all(kept[21:89, 21:99] == np.float32(0.8))
    kept[20:90, 20:100] = 0
    assert not kept.any()


def test_the_last_box_counts_and_start_over_voids_all():
    other = {"kind": "box", "box": [0.6, 0.0, 1.0, 1.0]}
    assert mask_edits.read([BOX, DAB, other]) == (
        Stroke(False, 0.05, ((0.5, 0.5),)),
        Box(0.6, 0.0, 1.0, 1.0),
    )
    assert mask_edits.read([BOX, DAB, {"kind": "clear"}]) == ()
    assert len(mask_edits.read([BOX, {"kind": "clear"}, DAB])) == 1


def test_strokes_erase_and_add_in_their_order():
    line = [[0.25, 0.5], [0.75, 0.5]]
    edits = mask_edits.read(
        [
            {"kind": "erase", "radius": 0.05, "points": line},
            {"kind": "add", "radius": 0.02, "points": [[0.5, 0.5]]},
        ]
    )
    found = mask_edits.apply(full(), edits)
    assert found[50, 60] == 0
    assert found[50, 100] == 1
    assert found[50, 20] == found[10, 100] == np.float32(0.8)
    again = mask_edits.apply(found, mask_edits.read([DAB | {"radius": 0.2}]))
    assert again[50, 100] == 0


@pytest.mark.parametrize("factor", [3, 25])
def test_an_edit_is_the_same_at_every_size(factor):
    edits = mask_edits.read([BOX, DAB, {"kind": "add", "radius": 0.03, "points": [[0.9, 0.3]]}])
    small = mask_edits.apply(full(), edits)
    large = mask_edits.apply(full(200 * factor, 100 * factor), edits)
    blocks = large.reshape(100, factor, 200, factor).mean(axis=(1, 3))
    assert np.mean(np.abs(blocks - small) > 0.1) < 0.01


def test_the_answer_may_be_written_over_what_it_was():
    edits = mask_edits.read([DAB])
    expected, probabilities = mask_edits.apply(full(), edits), full()
    assert mask_edits.apply(probabilities, edits, out=probabilities) is probabilities
    assert np.array_equal(probabilities, expected)
    untouched = full()
    assert mask_edits.apply(untouched, ()) is untouched


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "box",
        {},
        [None],
        [{"kind": "eat"}],
        [{"kind": "box", "box": [0.5, 0.5, 0.1, 0.9]}],
        [{"kind": "box", "box": [0, 0, 1, "1"]}],
        [{"kind": "box", "box": [0, 0, True, True]}],
        [DAB | {"radius": 0}],
        [DAB | {"radius": math.nan}],
        [DAB | {"radius": 3}],
        [DAB | {"points": []}],
        [DAB | {"points": [[0.5]]}],
        [DAB | {"points": [[0.5, math.inf]]}],
        [DAB | {"points": [[0.5, 0.5]] * (mask_edits.MOST_POINTS + 1)}],
        [DAB] * (mask_edits.MOST + 1),
    ],
)
def test_nonsense_is_not_understood(sent):
    assert mask_edits.read(sent) is None


def test_points_outside_are_brought_to_the_edge():
    (stroke,) = mask_edits.read([DAB | {"points": [[-3, 0.5], [7, 2]]}])
    assert stroke.points == ((0.0, 0.5), (1.0, 1.0))
