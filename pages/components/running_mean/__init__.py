"""A running mean that follows the means of batches, as an animation."""
