"""What every recipe shares: checkpoints, processes, optimizer, options, provenance, model folder."""
