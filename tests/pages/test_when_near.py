"""What is drawn once somebody comes near it, and the place that it has before."""

from __future__ import annotations

import html
import re

from tests.pages import read
from tests.pages.conftest import open_page


def test_a_first_screen_asks_for_no_chart_and_its_places_are_as_high_as_the_charts() -> None:
    page = open_page("digits")
    assert not page.get("plotly_chart")
    assert not page.code
    sent = " ".join(element.proto.body for element in page.get("html"))
    places = {
        html.unescape(said): int(height)
        for said, height in re.findall(r'aria-label="([^"]+)" style="height: (\d+)px"', sent)
    }
    read.to_the_end(page)
    charts = page.get("plotly_chart")
    assert len(charts) == 5
    for chart in charts:
        found = re.search(r'"height":(\d+)', chart.proto.spec)
        assert found
        assert places[chart.proto.alt] == int(found[1])
    place = re.search(r'<pre class="command-place">(.*?)</pre>', sent)
    assert place
    assert html.unescape(re.sub("</?span>", "", place[1])) == page.code[0].value
    for key, height in (("reliability", 330), ("curve-loss", 240)):
        assert f"st-key-late-{key} {{ min-height: {height}px" in sent
