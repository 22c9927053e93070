"""The U-Net: sizes, skips, folding."""

from __future__ import annotations

import pytest
import torch

from zoo.graph.folding import fold
from zoo.networks import build
from zoo.networks.segmentation.unet import UNet


def network(skips: bool = True, context: int = 0) -> UNet:
    torch.manual_seed(0)
    unet = UNet((4, 6, 8), skips, context)
    with torch.no_grad():
        for block in unet.context:
            block.mix_bn.weight.normal_()
        for name, buffer in unet.named_buffers():  # BatchNorm that does something
            if name.endswith("running_mean"):
                buffer.normal_(std=0.3)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return unet.eval()


@pytest.mark.parametrize("size", [(16, 24), (17, 23), (1, 1), (8, 90), (5, 8)])
@pytest.mark.parametrize("skips", [True, False])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, int], skips: bool) -> None:
    logits = network(skips)(torch.randn(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert logits.dtype == torch.float32


def test_a_padded_image_is_answered_like_the_same_image_larger() -> None:
    unet = network()
    image = torch.randn(1, 3, 13, 21)
    larger = torch.nn.functional.pad(image, (0, 3, 0, 3), mode="replicate")
    torch.testing.assert_close(unet(image), unet(larger)[:, :, :13, :21])


def test_without_skips_everything_passes_the_smallest_size() -> None:
    """What the smallest size loses, the answer cannot depend on: here all of it."""
    for skips in (True, False):
        unet = network(skips)
        with torch.no_grad():
            for parameter in unet.down[-1].parameters():
                parameter.zero_()
        one, other = torch.randn(2, 1, 3, 32, 32)
        assert torch.equal(unet(one), unet(other)) is not skips


def test_context_sees_further_and_adds_nothing_at_first() -> None:
    """A distant pixel, and whether the answer at the other end depends on it."""
    near, far = torch.zeros(2, 1, 3, 8, 112)
    far[..., -8:] = 5
    plain, looking = network(), network(context=3)
    left = ..., slice(0, 8)
    assert torch.equal(plain(near)[left], plain(far)[left])
    assert not torch.equal(looking(near)[left], looking(far)[left])
    fresh = UNet((4, 6, 8), context=3).eval()
    fresh.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(fresh(far), plain(far))


@pytest.mark.parametrize("context", [0, 2])
def test_folded_gives_the_same_answers_and_holds_no_batchnorm(context: int) -> None:
    unet = network(context=context)
    image = torch.randn(2, 3, 24, 40)
    folded = fold(unet, image.numpy()).network
    torch.testing.assert_close(folded(image), unet(image), atol=1e-5, rtol=1e-5)
    kinds = {type(module) for module in folded.modules()}
    assert torch.nn.BatchNorm2d not in kinds
    assert torch.nn.BatchNorm2d in {type(module) for module in unet.modules()}


def test_it_is_built_from_its_config() -> None:
    config = {"architecture": "unet", "arguments": {"widths": [4, 8], "skips": False}}
    unet = build(config)
    assert isinstance(unet, UNet)
    assert not unet.skips
    with pytest.raises(ValueError, match="at least two widths"):
        UNet((4,))
