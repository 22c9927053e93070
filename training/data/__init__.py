"""Readers of the data sets, in the layouts that people have, and augmentation."""
