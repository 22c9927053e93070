"""The BatchNorm experiments, on a made-up CIFAR-10."""
