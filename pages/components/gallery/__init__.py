"""Captioned images in a grid that keeps still while they change."""
