"""The data sets, and what augmentation makes of them."""
