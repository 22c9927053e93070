"""From whatever a person hands in to a network's input: one checked image, one typed recipe."""
