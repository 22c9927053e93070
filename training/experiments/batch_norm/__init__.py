"""Questions about BatchNorm, one module each; its name is the recorded experiment's."""
