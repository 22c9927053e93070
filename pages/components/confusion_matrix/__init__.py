"""A confusion matrix whose cells can be opened."""
