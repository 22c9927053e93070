"""Claims with their verdicts; a row leads to its figure."""
