"""A strip of small images to choose from."""
