"""The page's address, which holds what the visitor sees."""
