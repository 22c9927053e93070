"""Speed measurements, each a command that prints a table: ``python -m training.benchmarks.<name>``.

Speeds are compared as ratios within one run. Run them on an idle machine.
"""
