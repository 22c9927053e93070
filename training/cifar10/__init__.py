"""Objects: a convolutional network on CIFAR-10."""
