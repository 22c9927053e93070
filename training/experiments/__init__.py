"""Measurements that answer a question; each writes zoo/experiments/<its name>.json."""
