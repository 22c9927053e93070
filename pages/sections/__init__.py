"""Parts that several pages put together, by subject."""
