"""Questions about classifiers, one module each; its name is the recorded experiment's."""
