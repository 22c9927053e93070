"""BatchNorm inside a trained network: its three steps, its two modes, folding it away, a race.

Read in this order: `steps` (what a layer does to its input), `modes` (batch statistics against
running statistics), `folding` (into the convolution, for inference), `race` (training with and
without it, in NumPy). Everything works on a copy: the network that is handed in never changes.
"""

from zoo.batch_norm.folding import Comparison, Folded, compare, fold
from zoo.batch_norm.modes import Accuracy, accuracy, company, logits
from zoo.batch_norm.race import Lap, race
from zoo.batch_norm.steps import Channel, Steps, layer_names, logits_with, three_steps

__all__ = [
    "Accuracy",
    "Channel",
    "Comparison",
    "Folded",
    "Lap",
    "Steps",
    "accuracy",
    "company",
    "compare",
    "fold",
    "layer_names",
    "logits",
    "logits_with",
    "race",
    "three_steps",
]
