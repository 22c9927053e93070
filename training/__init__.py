"""The training recipes: ``python -m training.mnist``, ``training.evaluate`` and their helpers.

One readable recipe a folder; what the recipes share (the loop, checkpoints, records) lies in
`training.engine`, what a command does with a finished run in `training.finish`. Nothing here is
needed to use the trained models: that is `zoo`.
"""
