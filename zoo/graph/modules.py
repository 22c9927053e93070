"""Modules as the functions here use them: private copies, and arrays in and out."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch


def private_copy(network: Any) -> Any:
    """Return a copy in evaluation mode, so that hooks and changes touch nobody else's network."""
    return copy.deepcopy(network).eval()


@torch.inference_mode()
def run(network: Any, inputs: np.ndarray) -> np.ndarray:
    """Return the output for a batch, float32 on the CPU, in the mode that the network is in."""
    device = next(network.parameters()).device
    return array(network(torch.from_numpy(np.ascontiguousarray(inputs)).to(device)))


def array(tensor: torch.Tensor) -> np.ndarray:
    """Return a tensor as a float32 array of its own."""
    return tensor.detach().float().cpu().numpy().copy()
