"""What a network looks at and what it computes: pure functions of a network and an image.

They take a loaded model and an image, or any ``nn.Module`` (or the ``NumpyCNN``) and its input;
docs/explain.md shows each. None of them changes the network or leaves a hook on it.
"""

from typing import Any

from zoo.explain.activations import activations
from zoo.explain.arithmetic import arithmetic, kernel_of, softmax_step
from zoo.explain.attribution import (
    SanityCheck,
    integrated_gradients,
    randomized,
    sanity_check,
)
from zoo.explain.grad_cam import grad_cam
from zoo.explain.occlusion import occlusion
from zoo.explain.receptive_field import (
    ReceptiveField,
    receptive_field,
    receptive_field_by_gradient,
)
from zoo.explain.skip_ablation import MaskChange, ablate_skips, mask_without_skips, skips
from zoo.explain.subject import layers, trace
from zoo.explain.top_activations import StrongestAnswers, TopActivations, top_activations
from zoo.graph.layers import Skip, Trace, TracedLayer

__all__ = [
    "MaskChange",
    "ReceptiveField",
    "SanityCheck",
    "Skip",
    "StrongestAnswers",
    "TopActivations",
    "Trace",
    "TracedLayer",
    "ablate_skips",
    "activations",
    "arithmetic",
    "grad_cam",
    "integrated_gradients",
    "kernel_of",
    "layers",
    "mask_without_skips",
    "maximize_activation",
    "occlusion",
    "randomized",
    "receptive_field",
    "receptive_field_by_gradient",
    "sanity_check",
    "skips",
    "softmax_step",
    "top_activations",
    "trace",
]


def __getattr__(name: str) -> Any:
    if (
        name == "maximize_activation"
    ):  # its module needs torch, which the NumPy network does without
        from zoo.explain.activation_maximization import maximize_activation

        return maximize_activation
    raise AttributeError(f"module 'zoo.explain' has no attribute {name!r}")
