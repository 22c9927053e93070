"""Networks that say which pixels show an object: the U-Net and its alternatives."""
