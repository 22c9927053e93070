"""Parts of the page Use the weights: facts, files, code with its output, the same over HTTP."""
