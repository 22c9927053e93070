"""What a network looks at and what it computes: pure functions of a network and a picture.

They take a loaded model and a picture, or any ``nn.Module`` (or the ``NumpyCNN``) and its input;
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
from zoo.explain.skip_ablation import MaskChange, cut_skips, mask_without, skips
from zoo.explain.subject import layers, trace
from zoo.explain.top_activations import Peaks, peaks
from zoo.graph.layers import Layer, Skip, Trace

__all__ = [
    "Layer",
    "MaskChange",
    "Peaks",
    "ReceptiveField",
    "SanityCheck",
    "Skip",
    "Trace",
    "activations",
    "arithmetic",
    "cut_skips",
    "grad_cam",
    "integrated_gradients",
    "kernel_of",
    "layers",
    "mask_without",
    "maximize",
    "occlusion",
    "peaks",
    "randomized",
    "receptive_field",
    "receptive_field_by_gradient",
    "sanity_check",
    "skips",
    "softmax_step",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name == "maximize":  # its module needs torch, which the NumPy network does without
        from zoo.explain.activation_maximization import maximize

        return maximize
    raise AttributeError(f"module 'zoo.explain' has no attribute {name!r}")
