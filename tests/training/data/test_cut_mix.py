"""CutMix: where pixels come from, and what share of the label they bring."""

from __future__ import annotations

import pytest
import torch

from training.data.cut_mix import GROUP, cut_mix

N = 40 * GROUP


@pytest.fixture(scope="module")
def mixed() -> tuple[torch.Tensor, ...]:
    """Images that are their own number everywhere, and what half of the groups become."""
    numbers = torch.arange(N, dtype=torch.float32)
    inputs = numbers[:, None, None, None].expand(N, 3, 8, 8).contiguous()
    labels = torch.arange(N) % 10
    return inputs, labels, *cut_mix(inputs, labels, 0.5, (0, 1, 2))


def test_a_label_is_shared_as_the_pixels_are(mixed: tuple[torch.Tensor, ...]) -> None:
    inputs, labels, images, shares = mixed
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(N))
    for image, was, label, share in zip(images, inputs, labels, shares, strict=True):
        own = image == was
        other = int(image[~own][0]) if not own.all() else int(was[0, 0, 0])
        assert bool(((image == other) | own).all())  # of one other image at most
        assert other // GROUP == int(was[0, 0, 0]) // GROUP  # of the same group
        expected = torch.zeros(10)
        expected[label] += own.float().mean()
        expected[labels[other]] += 1 - own.float().mean()
        torch.testing.assert_close(share, expected)


def test_a_share_of_the_groups_is_changed_each_in_its_own_place(
    mixed: tuple[torch.Tensor, ...],
) -> None:
    inputs, _, images, _ = mixed
    foreign = (images != inputs).unflatten(0, (-1, GROUP))
    changed = foreign.flatten(1).any(dim=1)
    assert 0.25 < changed.float().mean() < 0.75
    places = {group[0].numpy().tobytes() for group in foreign[changed]}
    assert len(places) > 0.8 * int(changed.sum())


def test_the_key_alone_decides() -> None:
    inputs, labels = torch.rand(2 * GROUP + 7, 3, 8, 8), torch.arange(2 * GROUP + 7) % 10
    torch.manual_seed(1)
    one = cut_mix(inputs, labels, 0.9, (3, 4))
    drawn = torch.rand(3)
    torch.manual_seed(1)
    torch.testing.assert_close(torch.rand(3), drawn, rtol=0, atol=0)  # nobody else's draws moved
    for a, b in zip(one, cut_mix(inputs, labels, 0.9, (3, 4)), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(one[0], cut_mix(inputs, labels, 0.9, (3, 5))[0])


def test_without_a_share_nothing_is_touched() -> None:
    inputs, labels = torch.rand(4, 3, 8, 8), torch.arange(4)
    assert all(
        a is b for a, b in zip(cut_mix(inputs, labels, 0.0, (0,)), (inputs, labels), strict=True)
    )
