"""Questions about the NumPy network: its gradients, its inputs, the way to 99.6 %."""
