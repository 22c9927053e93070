"""Measurements that answer a question; each writes ``zoo/experiments/<name>.json``."""
