"""Questions about masks, one module each; its name is the recorded experiment's."""
