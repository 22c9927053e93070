"""Numbers as people read them."""

from __future__ import annotations


def percent(fraction: float, digits: int = 1) -> str:
    """Format a fraction; never rounds up to "100 %" or down to "0 %" what is neither.

    >>> percent(0.9951, 2), percent(0.99996), percent(1.0), percent(0.00001)
    ('99.51 %', '> 99.9 %', '100 %', '< 0.1 %')
    """
    step = 10.0**-digits
    value = 100 * fraction
    if fraction in (0, 1):
        return f"{value:.0f} %"
    if value > 100 - step / 2:
        return f"> {100 - step:.{digits}f} %"
    if value < step / 2:
        return f"< {step:.{digits}f} %"
    return f"{value:.{digits}f} %"


def count(number: int) -> str:
    """Format a count: ``412``, ``61.8 k``, ``1.97 M``."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            value = number / size
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"
    return str(number)


def size(number: int) -> str:
    """Format bytes: ``412 B``, ``248 kB``, ``7.9 MB``."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            value = number / factor
            return f"{value:.{0 if value >= 10 else 1}f} {unit}"
    return f"{number} B"


def duration(seconds: float) -> str:
    """Format a time: ``2.4 ms``, ``42 s``, ``5 min 12 s``, ``3 h 20 min``."""
    if seconds < 1:
        milliseconds = 1000 * seconds
        return f"{milliseconds:.{1 if milliseconds < 10 else 0}f} ms"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
