"""What every recipe shares: the loop, checkpoints, processes, optimizers, provenance."""
