"""How exact are the hand-written gradients, and how is that measured?

    python -m training.experiments.from_scratch.gradient_check --data-dir DIR

Every layer of `zoo.networks.numpy_cnn` is asked for its gradients, in float32 and in float64. They
are compared with PyTorch's autograd, and with difference quotients whose step ε goes from 1e-1 to
1e-10. Too large a step and the quotient is off by its truncation (ε² for the central one, ε for
the one-sided one); too small a step and it drowns in rounding (about 1/ε times the dtype's): a V.

Rows, one a layer, tensor, dtype, method, ε and seed:

- ``layer``: "convolution", "linear", "max pooling", "ReLU", "BatchNorm", "GroupNorm", "LayerNorm",
  "softmax + cross-entropy", "whole network".
- ``tensor``: with respect to what: "input", "weight", "bias", or "all parameters".
- ``dtype``: "float32" or "float64", of layer and difference quotient.
- ``method``: "central", "one-sided" or "autograd".
- ``epsilon``: the step ε; null for autograd, which has none.
- ``seed``: of weights, input and loss.
- ``error``: ‖a − n‖ / (‖a‖ + ‖n‖), a the layer's gradient and n the other one; 0 to 1.

``best`` repeats, by layer, dtype and method, the ε with the smallest error (median over tensors and
seeds) and that error.
"""

from __future__ import annotations

NAME = "gradient_check"
QUESTION = "How exact are the gradients that the NumPy layers compute, and how can one know?"
