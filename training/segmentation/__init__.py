"""Somebody's own photos and masks: looked at first, then learned from."""
