"""The documents' generated parts: tables, diagrams, badges, from records and experiments alone."""
