"""What a network looks at: pure functions of a model and a picture."""

from zoo.explain.activations import activations
from zoo.explain.gradcam import grad_cam
from zoo.explain.occlusion import occlusion

__all__ = ["activations", "grad_cam", "occlusion"]
