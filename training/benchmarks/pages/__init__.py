"""What a visitor of the app waits for, measured in a real browser."""
