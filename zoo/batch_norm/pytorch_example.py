"""BatchNorm used as one would in PyTorch: a text to copy, which a test runs."""

EXAMPLE = """\
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

def block(inputs, outputs):  # between convolution and activation; no bias, for β shifts
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))

network = nn.Sequential(  # none on the logits: the last layer is bare
    block(3, 32), block(32, 64), nn.Flatten(), nn.Linear(64 * 8 * 8, 10))
groups = [{"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": 5e-4},
          {"params": [p for p in network.parameters() if p.ndim == 1]}]  # γ and β do not decay
optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)

images, labels = torch.randn(128, 3, 32, 32), torch.randint(10, (128,))  # your batch
network.train()  # normalize with the batch; the running statistics follow
loss = nn.functional.cross_entropy(network(images), labels)
optimizer.zero_grad()
loss.backward()
optimizer.step()

network.eval()  # the running statistics: each image is answered for itself
for part in network[:2]:  # for inference, fold it into the convolution
    part[0], part[1] = fuse_conv_bn_eval(part[0], part[1]), nn.Identity()
with torch.no_grad():
    answer = network(images[:1]).argmax(dim=1)
"""
