"""A photo with a square on it to move and resize."""
