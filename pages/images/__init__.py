"""Arrays as images: heat maps, mosaics, checkerboards, error maps, and their encoding."""
