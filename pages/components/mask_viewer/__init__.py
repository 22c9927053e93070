"""A photo under what a segmentation network says about each of its pixels."""
