"""An image that leads to a page."""
