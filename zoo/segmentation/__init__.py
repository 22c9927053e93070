"""Masks: what is done with what a segmentation network says about each pixel."""
