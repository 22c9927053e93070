"""The training recipes: ``python -m training.mnist``, ``training.evaluate`` and their helpers.

One readable recipe a file; what the recipes share (checkpoints, records, export, data) lies
beside them. Nothing here is needed to use the trained models: that is `zoo`.
"""
