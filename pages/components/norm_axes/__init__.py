"""What four norms take their mean and variance over, as one drawing."""
