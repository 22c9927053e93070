"""A place for an image of the visitor's own: dropped, pasted or chosen."""
