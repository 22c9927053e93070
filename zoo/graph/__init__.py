"""A network as a graph of layers: tracing which feeds which, their windows, folding BatchNorm."""
