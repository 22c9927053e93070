"""Metrics over a data set, thresholds; the losses against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.metrics import mask_losses as losses
from training.metrics import mask_metrics as metrics


def random_masks(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = np.zeros((40, 60), bool)
    true[8:30, 10:44] = True
    return true ^ (rng.random(true.shape) < 0.05), true


@pytest.mark.parametrize("seed", range(3))
def test_all_thresholds_at_once(seed: int) -> None:
    _, true = random_masks(seed)
    probabilities = np.random.default_rng(seed).random(true.shape, dtype=np.float32)
    curve = metrics.iou_by_threshold(probabilities, true)
    for threshold, value in zip(metrics.THRESHOLDS, curve, strict=True):
        assert value == pytest.approx(metrics.iou(probabilities >= threshold, true))


def test_measure_names_the_worst_image() -> None:
    predicted, true = random_masks()
    result = metrics.measure([("good", true, true), ("bad", predicted, true)])
    assert result["worst_image"] == "bad"
    assert result["worst"] == metrics.iou(predicted, true)
    assert result["iou"] == pytest.approx((1 + result["worst"]) / 2)
    with pytest.raises(ValueError, match="no images"):
        metrics.measure([])


def logits_and_target() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 5, 6, generator=random, dtype=torch.float64)
    return logits, (torch.rand(3, 1, 5, 6, generator=random, dtype=torch.float64) > 0.6).double()


def test_losses_are_what_their_papers_say() -> None:
    logits, target = logits_and_target()
    p = logits.sigmoid()
    right = torch.where(target > 0.5, p, 1 - p)
    torch.testing.assert_close(losses.cross_entropy(logits, target), -right.log().mean())
    focal = -((1 - right) ** 2 * right.log()).mean()
    torch.testing.assert_close(losses.focal(logits, target), focal)
    dice = 1 - (2 * (p * target).sum() + 1) / (p.square().sum() + target.square().sum() + 1)
    torch.testing.assert_close(losses.soft_dice(logits, target), dice)
    torch.testing.assert_close(
        losses.both(logits, target),
        losses.cross_entropy(logits, target) + losses.soft_dice(logits, target),
    )


def test_every_loss_is_lowest_for_the_truth() -> None:
    _, target = logits_and_target()
    for name, loss in losses.LOSSES.items():
        good, bad = loss(20 * (target - 0.5), target), loss(-20 * (target - 0.5), target)
        assert float(good) < 1e-3 < float(bad), name
    soft = torch.full((1, 1, 4, 4), 0.3, dtype=torch.float64)  # an edge: the best answer is 0.3
    for name, loss in losses.LOSSES.items():
        logits = torch.logit(soft).requires_grad_()
        loss(logits, soft).backward()
        assert logits.grad.abs().max() < 1e-9, name


def test_a_few_wrong_pixels_on_an_empty_image_do_not_outweigh_the_others() -> None:
    target = torch.zeros(2, 1, 20, 20)
    target[0, 0, 5:15] = 1.0
    logits = 40 * target - 20
    logits[1, 0, 0, :2] = 20.0
    assert losses.soft_dice(logits, target) < 0.01
