"""Digits: the NumPy network on MNIST."""
