"""FPN: a pyramid of equally wide maps, each of which knows what the coarser ones know.

Lin et al. 2017 (arXiv 1612.03144) for the pyramid, Kirillov et al. 2019, "Panoptic feature pyramid
networks" (arXiv 1901.02446), section 3.1, for the segmentation branch on it:

    p_k = W_k f_k + up2(p_{k+1})                    from the coarsest size to the finest, 1/4
    logits = up4(V · Σ_k branch_k(p_k))             branch: (3 × 3, norm, ReLU, up2) until 1/4

with W_k and V convolutions of 1 × 1. The sizes' answers are added, not concatenated, and the image
is answered at 1/4 of its size. (The paper's GroupNorm is BatchNorm here, as in all networks of this
room.)
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.segmentation.blocks import (
    SQUARE,
    ConvNormAct,
    SegmentationNetwork,
    enlarge,
)

FINEST = 1  # the pyramid's finest size, as an index of the encoder's: 1/4 of the image's


class FPN(SegmentationNetwork):
    """Say for each pixel of an RGB image whether it belongs to the thing, from a pyramid of maps.

    Args:
        widths, context: of the encoder; see `SegmentationNetwork`.
        pyramid: channels of every size of the pyramid.
        branch: channels of the segmentation branch.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 48, 96, 144, 208),
        context: int = 4,
        pyramid: int = 96,
        branch: int = 64,
    ) -> None:
        super().__init__(widths, context)
        self.arguments = {
            "widths": list(widths), "context": context, "pyramid": pyramid, "branch": branch
        }  # fmt: skip
        used = widths[FINEST:]
        self.lateral = nn.ModuleList(ConvNormAct(width, pyramid, kernel=1) for width in used)
        self.smooth = nn.ModuleList(ConvNormAct(pyramid, pyramid) for _ in used)
        self.branches = nn.ModuleList(
            SegmentationBranch(pyramid, branch, doublings=number) for number in range(len(used))
        )
        self.head = nn.Conv2d(branch, 1, 1)

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the logits (N, 1, H, W) of the encoder's feature maps."""
        maps = [lateral(f) for lateral, f in zip(self.lateral, features[FINEST:], strict=True)]
        for number in range(len(maps) - 2, -1, -1):
            above = functional.interpolate(maps[number + 1], scale_factor=2.0, mode="nearest")
            maps[number] = maps[number] + above
        answer = self.branches[0](self.smooth[0](maps[0]))
        for branch, smooth, level in zip(self.branches[1:], self.smooth[1:], maps[1:], strict=True):
            answer = answer + branch(smooth(level))
        return enlarge(self.head(answer), SQUARE * 2**FINEST)


class SegmentationBranch(nn.Module):
    """From one size of the pyramid to the finest: a convolution, and twice the size, so often."""

    def __init__(self, in_channels: int, out_channels: int, doublings: int) -> None:
        super().__init__()
        self.doublings = doublings
        inputs = [in_channels] + [out_channels] * (max(1, doublings) - 1)
        self.convs = nn.ModuleList(ConvNormAct(channels, out_channels) for channels in inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, 2^doublings · H, 2^doublings · W)."""
        for conv in self.convs:
            x = conv(x)
            if self.doublings:
                x = enlarge(x, 2)
        return x
