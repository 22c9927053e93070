"""Numbers as people read them, with no-break spaces before units."""

from __future__ import annotations

import math
import re

NBSP = "\xa0"
_ABOVE = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(fraction: float, digits: int = 1) -> str:
    r"""Format a fraction; never rounds up to "100 %" or down to "0 %" what is neither.

    >>> [percent(p).replace("\xa0", " ") for p in (0.9951, 0.99996, 1.0, 0.00001)]
    ['99.5 %', '> 99.9 %', '100 %', '< 0.1 %']
    """
    step = 10.0**-digits
    value = 100 * fraction
    if fraction in (0, 1):
        return f"{value:.0f}{NBSP}%"
    if value > 100 - step / 2:
        return f">{NBSP}{100 - step:.{digits}f}{NBSP}%"
    if value < step / 2:
        return f"<{NBSP}{step:.{digits}f}{NBSP}%"
    return f"{value:.{digits}f}{NBSP}%"


def points(fraction: float) -> str:
    r"""Format a difference of two shares: percentage points.

    >>> points(0.1234).replace("\xa0", " ")
    '12.3 points'
    """
    return f"{100 * fraction:.1f}{NBSP}points"


def change(fraction: float) -> str:
    r"""Format a difference of two shares in points with its sign, where the unit stands elsewhere.

    >>> change(0.0052), change(-0.012)
    ('+0.52', '−1.20')
    """
    return f"{100 * fraction:+.2f}".replace("-", "−")


def power(number: float, digits: int = 0) -> str:
    r"""Format a number of any size by its power of ten; a leading 1 needs no factor.

    Args:
        number: The number.
        digits: Digits behind the point of the factor at most.

    >>> [power(n).replace("\xa0", " ") for n in (9.1e-11, 1e-6, -2000.0, 0.0)]
    ['9 × 10⁻¹¹', '10⁻⁶', '−2 × 10³', '0']
    """
    if not number:
        return "0"
    exponent = math.floor(math.log10(abs(number)))
    leading = round(abs(number) / 10**exponent, digits)
    if leading >= 10:
        leading, exponent = leading / 10, exponent + 1
    above = f"10{str(exponent).translate(_ABOVE)}"
    sign, factor = "−" * (number < 0), f"{leading:.{digits}f}"
    if digits:
        factor = factor.rstrip("0").rstrip(".")
    return f"{sign}{above}" if factor == "1" else f"{sign}{factor}{NBSP}×{NBSP}{above}"


def value(number: float) -> str:
    """Format a value within a network with five significant digits.

    >>> [value(number).replace("\xa0", " ") for number in (0.123456, -12345.6, 0.0, 1e-5)]
    ['0.12346', '−12346', '0', '10⁻⁵']
    """
    if 0 < abs(number) < 1e-4:
        return power(number, 4)
    text = f"{number:.5g}" if abs(number) < 1e5 else f"{number:.0f}"
    return text.replace("-", "−")


def spaced(text: str) -> str:
    r"""Write the numbers of a sentence as `percent` and `power` do.

    >>> spaced("82.4% of 5,000, 8e-07 apart, -0.2 points").replace("\xa0", " ")
    '82.4 % of 5,000, 8 × 10⁻⁷ apart, −0.2 points'
    """
    text = re.sub(r"(?<=[\s(])-(?=\d)", "−", text)
    text = re.sub(r"(?<=\d)\s?%", f"{NBSP}%", text)
    return re.sub(r"(?<![\w.])\d(?:\.\d+)?e[+-]?\d+\b", _by_power, text)


def _by_power(found: re.Match[str]) -> str:
    return power(float(found[0]), digits=2)


def cores(number: int) -> str:
    """Format how many cores a machine has.

    >>> cores(1), cores(2)
    ('1 core', '2 cores')
    """
    return f"{number} core{'s' * (number != 1)}"


def count(number: int) -> str:
    """Format a count: ``412``, ``61.8 k``, ``1.97 M``."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            value = number / size
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}{NBSP}{unit}"
    return str(number)


def size(number: int) -> str:
    """Format bytes: ``412 B``, ``248 kB``, ``7.9 MB``."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            value = number / factor
            return f"{value:.{0 if value >= 10 else 1}f}{NBSP}{unit}"
    return f"{number}{NBSP}B"


def duration(seconds: float) -> str:
    """Format a time: ``2.4 ms``, ``42 s``, ``5 min 12 s``, ``3 h 20 min``."""
    if seconds < 1:
        milliseconds = 1000 * seconds
        return f"{milliseconds:.{1 if milliseconds < 10 else 0}f}{NBSP}ms"
    if seconds < 60:
        return f"{seconds:.0f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    return f"{minutes // 60}{NBSP}h {minutes % 60}{NBSP}min"
