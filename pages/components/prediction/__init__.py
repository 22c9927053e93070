"""A prediction that is given once, and the measurement that answers it."""
