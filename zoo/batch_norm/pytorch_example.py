"""BatchNorm used as one would in PyTorch: a text to copy, which a test runs."""

EXAMPLE = """\
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

def block(inputs, outputs):  # no bias: β shifts; then the activation
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    norm = nn.BatchNorm2d(outputs)
    return nn.Sequential(convolution, norm, nn.ReLU(), nn.MaxPool2d(2))

head = nn.Linear(64 * 8 * 8, 10)  # none on the logits
network = nn.Sequential(block(3, 32), block(32, 64), nn.Flatten(), head)
weights = [p for p in network.parameters() if p.ndim > 1]
others = [p for p in network.parameters() if p.ndim == 1]  # γ, β, biases
groups = [{"params": weights, "weight_decay": 5e-4}, {"params": others}]
optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)

images, labels = torch.randn(128, 3, 32, 32), torch.randint(10, (128,))
network.train()  # the batch's statistics; the running ones follow
loss = nn.functional.cross_entropy(network(images), labels)
optimizer.zero_grad()
loss.backward()
optimizer.step()

network.eval()  # the running statistics: each image for itself
for part in network[:2]:  # fold it into the convolution
    part[0] = fuse_conv_bn_eval(part[0], part[1])
    part[1] = nn.Identity()
answer = network(images[:1]).argmax(dim=1)
"""
