"""The race of the BatchNorm page: a recorded one plays at once, one's own runs in a thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

import zoo
from pages.common import number_format
from pages.components.link import link
from pages.components.race_curves import race_curves
from pages.sections.batch_norm import kept_choices, recorded_series
from zoo import batch_norm
from zoo.samples.sets import image_set

SECONDS = 20.0
EVERY = 0.5  # seconds between two looks at the curves
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
RATE = 0.1
NORMS = ("batch", "none")
KEPT = 4  # earlier races that stay as thin lines
RECORD = "batch_norm_race"
TRACKS = threading.BoundedSemaphore(2)  # races at a time, all visitors together
TITLES = {"batch": "with BatchNorm", "none": "without"}


@dataclass
class Race:
    """A race in its thread.

    Attributes:
        learning_rate: of both networks.
        laps: so far; appended to by the thread.
        stopped: set it to end the race.
        problem: why it ended early, or "".
    """

    learning_rate: float
    laps: list[batch_norm.Snapshot] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    problem: str = ""
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless too many visitors are racing."""
        if not TRACKS.acquire(blocking=False):
            self.problem = (
                f"Other visitors are racing on this machine; try again in {SECONDS:.0f} seconds."
            )
            return
        self.thread = threading.Thread(target=self._run, name="race", daemon=True)
        self.thread.start()

    @property
    def running(self) -> bool:
        """Whether the networks are still training."""
        return self.thread is not None and self.thread.is_alive()

    @property
    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """(step, accuracy on held-out digits) by runner."""
        laps = list(self.laps)
        return {
            TITLES[norm]: [(float(lap.step), lap.accuracies[norm]) for lap in laps]
            for norm in NORMS
        }

    def _run(self) -> None:
        digits = image_set("mnist")
        try:
            for lap in batch_norm.train_side_by_side(
                digits.images,
                digits.labels,
                norms=NORMS,
                learning_rate=self.learning_rate,
                seconds=SECONDS,
            ):
                self.laps.append(lap)
                if self.stopped.is_set():
                    return
        except zoo.ZooError as error:
            self.problem = str(error)
        finally:
            TRACKS.release()


def on_link() -> None:
    """Take the learning rate that a visitor's link holds."""
    rates = {f"{rate:g}": rate for rate in RATES}
    if "rate" in (came := link.arrived(rate=link.one_of(rates))):
        kept_choices.put("bn.race.rate", rates[came["rate"]])


def show() -> None:
    """Draw the race; while it runs, its part of the page redraws itself."""
    race = _race()
    every = EVERY if race is not None and race.running else None
    st.fragment(_show, run_every=every)()


def _race() -> Race | None:
    found = st.session_state.get("bn.race")
    return found if isinstance(found, Race) else None


def _show() -> None:
    race, found = _race(), recorded_series.recorded(RECORD)
    running = race is not None and race.running
    rate = _controls(running)
    shown = race if race is not None and (running or race.learning_rate == rate) else None
    if race is not None and race.problem:
        st.info(race.problem)
    if shown is not None and shown.laps:
        _draw(shown.curves, _words(shown), rate)
    elif found is not None and (curves := recorded_curves(found, rate)):
        _draw(curves, f"Recorded, learning rate {rate:g}", rate, replay=f"{rate:g}")
    if race is not None and st.session_state.get("bn.race.was") != running:
        st.session_state["bn.race.was"] = running  # begins, or ends, to redraw itself
        st.rerun()


def _controls(running: bool) -> float:
    """Draw the learning rate, which a link holds, and the button; return the rate."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall")
    kept_choices.begin("bn.race.rate", RATE)
    rate = row.select_slider(
        "Learning rate of both", RATES, format_func=lambda r: f"{r:g}", key="bn.race.rate",
        disabled=running, width=168,
    )  # fmt: skip
    link.show("race", rate=None if rate == RATE else float(rate))
    if running:
        if row.button("Stop", icon=":material/stop:", key="bn.race.stop"):
            race = _race()
            assert race is not None
            race.stopped.set()
    elif row.button(
        f"Run it live ({SECONDS:.0f} s)", icon=":material/play_arrow:", key="bn.race.start"
    ):  # fmt: skip
        _begin(float(rate))
    return float(rate)


def _begin(rate: float) -> None:
    """Start a race; the one before stays as thin lines."""
    before = _race()
    if before is not None and len(before.laps) > 1:
        earlier: list[Race] = st.session_state.setdefault("bn.race.earlier", [])
        earlier.append(before)
        del earlier[:-KEPT]
    race = Race(rate)
    race.start()
    st.session_state["bn.race"] = race
    st.rerun()


def _draw(
    curves: Mapping[str, Sequence[tuple[float, float]]], words: str, rate: float, replay: str = ""
) -> None:
    earlier: list[Race] = st.session_state.get("bn.race.earlier", [])
    thin: list[dict[str, Any]] = [
        {"name": f"learning rate {r.learning_rate:g}", "curves": r.curves} for r in earlier
    ]
    drawn = [curves, *(race["curves"] for race in thin)]
    last = max((points[-1][0] for own in drawn for points in own.values() if points), default=1)
    race_curves.show(
        "bn.race.chart", curves, earlier=thin, steps=max(int(last), 1), replay=replay, words=words
    )


def _words(race: Race) -> str:
    last = race.laps[-1]
    lost = [
        TITLES[norm]
        for norm in NORMS
        if last.step > 0 and last.losses[norm] != last.losses[norm]  # NaN
    ]
    diverged = f"; {' and '.join(lost)}: diverged" if lost else ""
    return (
        f"{'Training' if race.running else 'Finished'}: step {last.step:,}, "
        f"{number_format.duration(last.seconds)}, learning rate {race.learning_rate:g}{diverged}"
    )


def recorded_curves(found: zoo.Experiment, rate: float) -> dict[str, list[tuple[float, float]]]:
    """Return (step, accuracy) by runner of the recorded race at a learning rate, seeds averaged."""
    result = {}
    for norm in NORMS:
        points: dict[float, list[float]] = {}
        for row in found.rows:
            if (row["norm"], row["learning_rate"]) == (norm, rate):
                points.setdefault(float(row["step"]), []).append(row["accuracy"])
        if points:
            result[TITLES[norm]] = [(s, sum(own) / len(own)) for s, own in sorted(points.items())]
    return result


def legend() -> str:
    """Say what races, in one sentence."""
    count = len(image_set("mnist"))
    return (
        f"Two NumPy networks learn the same {count:,} digits, one with BatchNorm, one with biases."
    )
