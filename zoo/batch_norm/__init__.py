"""BatchNorm inside a trained network: its three steps, its two modes, folding it away, a race.

Read in this order: `steps` (what a layer does to its input), `modes` (batch statistics against
running statistics), `folding` (into the convolution, for inference), `train_side_by_side` (training
with and without it, in NumPy). They work on copies: the network that is handed in never changes.
`recorded` reads the experiments of ``training/experiments/batch_norm_*``, and `claims` sets them
beside what people say about BatchNorm.
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
