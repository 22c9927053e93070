"""A mock interview that stays in the browser."""
