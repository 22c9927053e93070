"""The arithmetic of one value, step by step."""
