"""A model's metric over the curve of its training."""
