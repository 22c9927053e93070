"""An image that is a grid of cells, of which the visitor chooses one."""
