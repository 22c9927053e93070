"""The curves of a race between two trainings, replayed or growing."""
