"""A chart of a record is built once: who comes later gets the same, and where it belongs."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import charts, drawn_once


def page(width: float) -> None:
    import streamlit as st

    from pages.common import charts

    left, right = st.columns(2)
    with left:
        st.write("left")
    with right:
        charts.show(charts.bars(["a", "b"], [width, 0.5]), key="bars", alt=f"a: {width}")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was built, as the first bar's length."""
    drawn_once.show.clear()
    found: list[float] = []
    plain = charts.bars.__wrapped__

    def bars(names: list[str], shares: list[float]) -> object:
        found.append(shares[0])
        return plain(names, shares)

    monkeypatch.setattr(charts, "bars", drawn_once.keep(bars))
    return found


def spec(app: AppTest) -> str:
    (chart,) = app.columns[1].get("plotly_chart")
    return chart.proto.spec


def test_the_same_chart_is_built_once_and_another_one_anew(built: list[float]) -> None:
    apps = [AppTest.from_function(page, kwargs={"width": width}) for width in (0.25, 0.25, 0.75)]
    one, two, other = (spec(app.run()) for app in apps)
    assert one == two != other
    assert "0.25" in one
    assert built == [0.25, 0.75]
    assert not apps[1].columns[0].get("plotly_chart")  # it stands where it was put


def test_the_theme_is_part_of_what_a_chart_is(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for theme in ("light", "dark"):
        context = type("Context", (), {"theme": type("Theme", (), {"type": theme})})
        monkeypatch.setattr(drawn_once.st, "context", context)
        digests.append(charts.bars(["a"], [0.5]).digest)
    assert digests[0] != digests[1]
    assert charts.bars(["a"], [0.6]).digest != charts.bars(["a"], [0.5]).digest
