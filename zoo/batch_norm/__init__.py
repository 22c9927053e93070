"""BatchNorm inside a network: its three steps, its two modes, training with and without it.

Read in this order: `norm_steps` (what a layer does to its input), `two_modes` (statistics of the
batch against running ones), `zoo.graph.folding` (into the convolution, for inference),
`side_by_side` (training with and without it, in NumPy). They work on any ``nn.Module``, as a
private copy: the network that is handed in never changes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.batch_norm.norm_steps import (
        Channel,
        Effect,
        Steps,
        effect,
        layer_names,
        logits_with,
        three_steps,
    )
    from zoo.batch_norm.side_by_side import Snapshot, train_side_by_side
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

# Where each name is; its module, and with it torch, is imported when somebody asks for it.
_HOMES = {
    "Accuracy": "zoo.batch_norm.two_modes",
    "Channel": "zoo.batch_norm.norm_steps",
    "Comparison": "zoo.graph.folding",
    "Effect": "zoo.batch_norm.norm_steps",
    "Folded": "zoo.graph.folding",
    "Snapshot": "zoo.batch_norm.side_by_side",
    "Steps": "zoo.batch_norm.norm_steps",
    "accuracy": "zoo.batch_norm.two_modes",
    "batch_dependence": "zoo.batch_norm.two_modes",
    "compare": "zoo.graph.folding",
    "effect": "zoo.batch_norm.norm_steps",
    "fold": "zoo.graph.folding",
    "layer_names": "zoo.batch_norm.norm_steps",
    "logits": "zoo.batch_norm.two_modes",
    "logits_with": "zoo.batch_norm.norm_steps",
    "three_steps": "zoo.batch_norm.norm_steps",
    "train_side_by_side": "zoo.batch_norm.side_by_side",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo.batch_norm' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found
