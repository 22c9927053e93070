"""The parts of a wait: together they are the wait, and a missing message is an error."""

from __future__ import annotations

import pytest

from training.benchmarks.pages import digits_page, page_wait
from training.benchmarks.pages.clock import IMAGE, PARTS, wait_of

MOMENTS = {
    "start": 100.0, "sent": 103.0, "begun": 110.0, "answered": 125.0, "changed": 130.0,
    "decoded": 132.0, "painted": 142.0, "bytes_sent": 2500, "bytes_came": 9000,
}  # fmt: skip


def test_the_parts_of_a_wait_are_the_wait() -> None:
    wait = wait_of(MOMENTS)
    assert wait.total == 42
    assert [wait.parts[part] for part in PARTS] == [3, 7, 15, 5, 12]
    assert wait.parts[IMAGE] == 2
    assert wait.kilobytes == (2.5, 9.0)


def test_an_answer_without_its_message_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="answered"):
        wait_of({name: at for name, at in MOMENTS.items() if name != "answered"})


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        ("Next: 3, 0.4\xa0%. Answered in 1.2\xa0ms by NumPy on the CPU.", 1.2),
        ("Next: 3, 0.4\xa0%. Answered in 2\xa0s by PyTorch on the CPU.", 2000),
    ],
)
def test_what_the_network_took_is_read_from_the_page(said: str, milliseconds: float) -> None:
    assert digits_page.network_ms(said) == milliseconds
    with pytest.raises(RuntimeError, match="does not say"):
        digits_page.network_ms("Draw a digit")


def test_median_and_95th_percentile() -> None:
    assert page_wait.spread([7.0]) == {"median_ms": 7.0, "p95_ms": 7.0}
    assert page_wait.spread(list(range(101))) == {"median_ms": 50, "p95_ms": 95}
