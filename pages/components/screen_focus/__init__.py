"""The keyboard's focus, for a page that goes from screen to screen."""
