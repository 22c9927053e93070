"""Parts of the page about BatchNorm: recorded experiments, live measurements, verdicts."""
