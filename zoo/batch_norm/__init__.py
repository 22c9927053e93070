"""BatchNorm inside a network: its three steps, its two modes, training with and without it.

Read in this order: `three_steps` (what a layer does to its input), `two_modes` (statistics of the
batch against running ones), `zoo.graph.folding` (into the convolution, for inference),
`side_by_side` (training with and without it, in NumPy). They work on any ``nn.Module``, as a
private copy: the network that is handed in never changes.
"""

from zoo.batch_norm.side_by_side import Snapshot, train_side_by_side
from zoo.batch_norm.three_steps import (
    Channel,
    Effect,
    Steps,
    effect,
    layer_names,
    logits_with,
    three_steps,
)
from zoo.batch_norm.two_modes import Accuracy, accuracy, batch_dependence, logits
from zoo.graph.folding import Comparison, Folded, compare, fold

__all__ = [
    "Accuracy",
    "Channel",
    "Comparison",
    "Effect",
    "Folded",
    "Snapshot",
    "Steps",
    "accuracy",
    "batch_dependence",
    "compare",
    "effect",
    "fold",
    "layer_names",
    "logits",
    "logits_with",
    "three_steps",
    "train_side_by_side",
]
