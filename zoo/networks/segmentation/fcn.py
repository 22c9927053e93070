"""FCN-8s: classify at three sizes, and add up what they say.

Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation" (arXiv
1411.4038), section 4.2. A classifier's last layers become convolutions, so that it answers at every
position, coarsely; finer sizes correct that:

    s32 = W5 f32        s16 = W4 f16 + up2(s32)        s8 = W3 f8 + up2(s16)        logits = up8(s8)

with f the feature maps at 1/32, 1/16 and 1/8 of the image's size, W convolutions of 1 × 1, and up a
bilinear enlargement (the paper's learned ones begin as that, and its last one stays so). What is
finer than 1/8 never reaches the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zoo.networks.segmentation.blocks import ConvNormAct, SegmentationNetwork, enlarge

SIZES = 3  # at which it classifies


class FCN(SegmentationNetwork):
    """Say for each pixel of an RGB image whether it belongs to the thing, from three coarse sizes.

    Args:
        widths, context: of the encoder; see `SegmentationNetwork`.
        classifier: channels of the 3 × 3 convolution before the coarsest answer; the paper's fc6
            and fc7 have 4096.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 112, 160, 224),
        context: int = 4,
        classifier: int = 224,
    ) -> None:
        super().__init__(widths, context)
        if len(widths) < SIZES:
            raise ValueError("FCN takes at least three widths.")
        self.arguments = {"widths": list(widths), "context": context, "classifier": classifier}
        self.classifier = ConvNormAct(widths[-1], classifier)
        inputs = [classifier, *widths[-2 : -SIZES - 1 : -1]]
        self.scores = nn.ModuleList(nn.Conv2d(channels, 1, 1) for channels in inputs)

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the logits (N, 1, H, W) of the encoder's feature maps."""
        finest = len(features) - SIZES + 1  # halvings of the image, behind the last score
        answer = self.scores[0](self.classifier(features.pop()))
        for score in self.scores[1:]:
            answer = score(features.pop()) + enlarge(answer, 2)
        return enlarge(answer, 2**finest)
