"""A diagram of a network with its tensor shapes, in which a layer can be chosen."""
