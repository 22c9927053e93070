"""Parts of the page about cars, and of skip connections."""
