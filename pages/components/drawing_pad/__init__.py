"""A square to draw on with mouse, finger, pen or keyboard."""
