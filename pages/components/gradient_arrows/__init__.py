"""What is measured around a gradient step, as a small drawing."""
