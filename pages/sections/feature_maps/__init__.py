"""Parts of the page about feature maps: the traced run, top images, visualizations."""
