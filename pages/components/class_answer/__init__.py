"""The live answer of a classifier."""
