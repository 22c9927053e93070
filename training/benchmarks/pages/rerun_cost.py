"""What one run of a page costs: processor time of the server, and bytes to the visitor.

``python -m training.benchmarks.pages.rerun_cost`` starts the app and lets visitors who speak
Streamlit's own protocol (`visitors`) open its pages, click their sample images and switches, and
draw digits. Neither figure depends on what else the machine does, as waiting would. The processor
time is the whole server's, so it holds what the housekeeping takes meanwhile, and what it takes to
send the files that a browser would fetch.

Actions, a line each:

- ``first``: the page is opened by the first visitor since the start; nothing was computed yet.
- ``open``: a new visitor opens it, whose browser has nothing.
- ``return``: a visitor comes back to it from the overview.
- ``sample``: each sample image is clicked for the first time; ``sample again``: once more.
- ``switch``: a switch is turned.
- ``stroke``: a digit is drawn, another one each time.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle, islice
from typing import Any

from PIL import Image, ImageDraw

from training.benchmarks.pages.memory import cpu_seconds, peak, rest
from training.benchmarks.pages.page_wait import Server, running_app
from training.benchmarks.pages.visitors import PAGES, Control, PageError, Visitor, controls, drawing
from training.engine.provenance import hardware
from zoo.command_parser import CommandParser

_SIDE = 140  # pixels of a drawing, as the pad sends it


@dataclass(frozen=True)
class Cost:
    """The mean of some runs.

    Attributes:
        page: Its name.
        action: What was done; see above.
        runs: How often.
        milliseconds: Processor time of the server a run.
        kilobytes: Sent to the visitor a run, images and scripts included.
    """

    page: str
    action: str
    runs: int
    milliseconds: float
    kilobytes: float


class Meter:
    """Does things on a page, and notes what they cost.

    Args:
        server: A running app.
        page: Address of the page.
    """

    def __init__(self, server: Server, page: str) -> None:
        self.page = page
        self._server = server

    def cost(
        self, action: str, acts: Sequence[Callable[[], int]], between: Callable[[], object] = int
    ) -> Cost:
        """Do something; return what it cost.

        Args:
            action: Its name.
            acts: Each returns the bytes that were sent.
            between: Done before each of them, and not counted.
        """
        used, received = 0.0, 0
        for act in acts:
            between()
            before = cpu_seconds(self._server.pid)
            received += act()
            used += cpu_seconds(self._server.pid) - before
        count = len(acts)
        name = self.page or "overview"
        return Cost(name, action, count, 1000 * used / count, received / count / 1000)

    def open(self, visitor: Visitor) -> int:
        """Open the page; return the bytes sent."""
        before = visitor.received
        visitor.look(visitor.open(self.page))
        return visitor.received - before

    def click(self, visitor: Visitor, control: Control) -> int:
        """Use a control; return the bytes sent."""
        before = visitor.received
        visitor.look(visitor.click(control))
        return visitor.received - before


def measure(server: Server, pages: Sequence[str] = PAGES, times: int = 10) -> Iterator[Cost]:
    """Yield what the actions on each page cost.

    Args:
        server: A running app, at rest.
        pages: Addresses of the pages.
        times: How often each action is done.
    """
    for page in pages:
        with ExitStack() as stack:
            all_visitors = [stack.enter_context(Visitor(server.url)) for _ in range(times + 1)]
            yield from _visited(Meter(server, page), all_visitors, times)


def _visited(meter: Meter, visitors: Sequence[Visitor], times: int) -> Iterator[Cost]:
    """Yield what it costs that visitors open a page, and that the first of them stays."""
    first, *others = visitors
    yield meter.cost("first", [partial(meter.open, first)])
    yield meter.cost("open", [partial(meter.open, other) for other in others])
    yield from _acted(meter, first, times)


def _acted(meter: Meter, visitor: Visitor, times: int) -> Iterator[Cost]:
    """Yield what one visitor's actions on a page cost."""
    if meter.page:
        opened = [partial(meter.open, visitor)] * times
        yield meter.cost("return", opened, lambda: visitor.look(visitor.open("")))
    messages = visitor.open(meter.page)
    found = controls(messages)
    switches = [one for one in found if one.state.WhichOneof("value") == "bool_value"]
    samples = [one for one in found if one not in switches]
    for action, chosen in (
        ("sample", samples),
        ("sample again", samples),
        ("switch", list(islice(cycle(switches), times)) if switches else []),
        ("stroke", list(_strokes(messages, times))),
    ):
        if chosen:
            yield meter.cost(action, [partial(meter.click, visitor, one) for one in chosen])


def _strokes(messages: Sequence[Any], count: int) -> Iterator[Control]:
    """Yield drawings for the page's pad, if it has one."""
    draw = random.Random(0)
    for _ in range(count):
        points = [draw.uniform(0.2, 0.8) for _ in range(8)]
        sheet = Image.new("RGB", (_SIDE, _SIDE))
        path = [(_SIDE * x, _SIDE * y) for x, y in zip(points[::2], points[1::2], strict=True)]
        ImageDraw.Draw(sheet).line(path, fill="white", width=11, joint="curve")
        png = io.BytesIO()
        sheet.save(png, "PNG")
        strokes = [[round(1000 * value) for value in points]]
        if (control := drawing(messages, strokes, png.getvalue())) is not None:
            yield control


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(
        prog="python -m training.benchmarks.pages.rerun_cost",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--times", type=int, default=10, help="of each action (default 10)")
    parser.add_argument("--pages", nargs="+", default=list(PAGES), help="default: all")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE",
                        help="of Streamlit, such as global.minCachedMessageSize=10000")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    pages = ["" if page == "overview" else page for page in options.pages]
    costs: list[Cost] = []
    try:
        with running_app(options=dict(one.split("=", 1) for one in options.option)) as server:
            with Visitor(server.url) as first:
                first.open("")
            rest(server.pid)  # the warm-up is over
            if not options.json:
                print(f"{'page':16} {'action':12} {'runs':>4} {'CPU ms':>7} {'kB':>7}")
            for cost in measure(server, pages, options.times):
                costs.append(cost)
                if not options.json:
                    print(line(cost), flush=True)
            most = peak(server.pid)
    except (RuntimeError, PageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    result = {"costs": [asdict(one) for one in costs], "peak_mb": most, "hardware": hardware()}
    print(json.dumps(result, indent=2) if options.json else f"The server's peak: {most:,} MB")
    return 0


def line(cost: Cost) -> str:
    """Format one result for people."""
    return (
        f"{cost.page:16} {cost.action:12} {cost.runs:4} {cost.milliseconds:7.0f} "
        f"{cost.kilobytes:7.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
