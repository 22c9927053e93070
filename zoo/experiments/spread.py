"""How far repeated runs lie apart, and what that lets one say: 95 % intervals and verdicts.

One rule for every comparison. A claim says that a number is larger with one thing than with
another; the 95 % interval of the difference decides (Student's t over the seeds, Welch 1947 for two
groups of unequal spread):

- *yes*: all of the interval lies on the claimed side of zero;
- *not here*: all of it lies on the other side;
- *no measurable difference*: it holds zero;
- *too few seeds to say*: fewer than three repetitions;
- *mixed*: a claim of several parts, and the parts disagree.

A claim that something is *not needed* is about going without it, against having it: a yes if all of
the interval lies above a loss that is stated to count as none.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

YES, TIE, NO, FEW, MIXED = (
    "yes",
    "no measurable difference",
    "not here",
    "too few seeds to say",
    "mixed",
)
LEAST = 3  # repetitions, below which nothing is said


@dataclass(frozen=True)
class Spread:
    """A mean or a difference of means with its 95 % interval.

    Attributes:
        mean: the value.
        half: half the length of the interval; infinite if it cannot be known.
        n: repetitions, of the smaller group.
    """

    mean: float
    half: float
    n: int

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self.mean + self.half


def mean_of(values: Sequence[float]) -> Spread:
    """Return the mean of repetitions and its 95 % interval.

    Args:
        values: at least one; from a single one no interval can be known.
    """
    n, mean = len(values), statistics.fmean(values)
    if n < 2:
        return Spread(mean, math.inf, n)
    return Spread(mean, _t(n - 1) * statistics.stdev(values) / math.sqrt(n), n)


def difference(first: Sequence[float], second: Sequence[float]) -> Spread:
    """Return mean(first) − mean(second) and its 95 % interval (Welch 1947).

    Args:
        first, second: independent repetitions, at least one each.

    Example:
        >>> round(difference([0.82, 0.83, 0.81], [0.75, 0.76, 0.74]).mean, 3)
        0.07
    """
    n = min(len(first), len(second))
    mean = statistics.fmean(first) - statistics.fmean(second)
    if n < 2:
        return Spread(mean, math.inf, n)
    shares = [statistics.variance(group) / len(group) for group in (first, second)]
    total = sum(shares)
    if total == 0:
        return Spread(mean, 0.0, n)
    parts = zip(shares, (first, second), strict=True)
    freedom = total**2 / sum(share**2 / (len(group) - 1) for share, group in parts)
    return Spread(mean, _t(freedom) * math.sqrt(total), n)


def proportion_difference(first: tuple[float, int], second: tuple[float, int]) -> Spread:
    """Return the difference of two shares of images and its 95 % interval (normal approximation).

    Args:
        first, second: (share in [0, 1], number of images). Shares of the same images are taken as
            independent, which makes the interval wider than it had to be.
    """
    variance = sum(share * (1 - share) / n for share, n in (first, second))
    return Spread(first[0] - second[0], 1.96 * math.sqrt(variance), min(first[1], second[1]))


def verdict(parts: Sequence[Spread], loss: float | None = None) -> str:
    """Say what differences mean for a claim; the rule stands at the head of this module.

    Args:
        parts: for each part of the claim, claimed side minus the other.
        loss: of a claim that something is *not* needed: how much going without may lose to count
            as nothing. Whether it gains is another claim.
    """
    found = {_one(part, loss) for part in parts}
    if FEW in found:
        return FEW
    return found.pop() if len(found) == 1 else MIXED


def _one(part: Spread, loss: float | None) -> str:
    if part.n < LEAST:
        return FEW
    if part.low > 0 or (loss is not None and part.low >= -loss):
        return YES
    return NO if part.high < 0 else TIE


def _t(freedom: float) -> float:
    """Return Student's t that 95 % lie within."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))
