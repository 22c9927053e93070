"""How good a network is: predictions over a data set, accuracy, IoU, confidence, errors."""
