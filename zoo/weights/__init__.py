"""From a model's name to verified files: the catalog, the bundle, the Hub and its cache."""
