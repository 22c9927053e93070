"""The race of the BatchNorm page: two networks train in a thread, and their curves grow."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.sections.batch_norm import norm_charts, recorded_series
from zoo import batch_norm
from zoo.samples.sets import image_set

SECONDS = 20.0
EVERY = 0.5  # seconds between two looks at the curves
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
NORMS = ("batch", "none")
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


def show() -> None:
    """Draw the race; while it runs, its part of the page redraws itself."""
    race = st.session_state.get("bn.race")
    every = EVERY if race is not None and race.running else None
    st.fragment(_show, run_every=every)()


def _show() -> None:
    race: Race | None = st.session_state.get("bn.race")
    running = race is not None and race.running
    left, middle, _ = st.columns([5, 3, 4], gap="medium", vertical_alignment="bottom")
    rate = left.select_slider(
        "Learning rate", RATES, value=RATES[3], format_func=lambda r: f"{r:g}",
        key="bn.race.rate", disabled=running,
    )  # fmt: skip
    if running and race is not None:
        if middle.button("Stop", icon=":material/stop:", key="bn.race.stop", width="stretch"):
            race.stopped.set()
    elif middle.button(
        "Start the race", icon=":material/play_arrow:", key="bn.race.start", type="primary",
        width="stretch",
    ):  # fmt: skip
        race = Race(float(rate))
        race.start()
        st.session_state["bn.race"] = race
        st.rerun()
    if race is None:
        return
    if race.problem:
        st.info(race.problem)
    if race.laps:
        _curves(race)
    if st.session_state.get("bn.race.was") != race.running:  # begins, or ends, to redraw itself
        st.session_state["bn.race.was"] = race.running
        st.rerun()


def _curves(race: Race) -> None:
    laps = list(race.laps)
    last = laps[-1]
    left, right = st.columns(2, gap="large")
    for column, title, kind, axis in (
        (left, "Accuracy on held-out digits", "accuracies",
         norm_charts.Axis("", ".0%", limits=(0, 1.02))),
        (right, "Training loss", "losses", norm_charts.Axis("", ".2f", log=True)),
    ):  # fmt: skip
        lines = [
            norm_charts.Line(
                TITLES[norm],
                [
                    (lap.step, value)
                    for lap in laps
                    if (value := getattr(lap, kind)[norm]) == value  # NaN: nothing yet, or lost
                ],
                norm_charts.tint(norm),
            )
            for norm in NORMS
        ]
        with column:
            st.markdown(f"**{title}**")
            charts.show(
                norm_charts.lines(lines, norm_charts.Axis("Training step"), axis, height=260),
                key=f"bn.race.{kind}",
                alt=f"{title} by training step, with and without BatchNorm",
            )
    words = "; ".join(
        f"{TITLES[norm]} {number_format.percent(last.accuracies[norm])}"
        + ("" if last.step == 0 or last.losses[norm] == last.losses[norm] else " (diverged)")
        for norm in NORMS
    )
    state = "Training" if race.running else "Finished"
    st.markdown(
        f"**{state}: step {last.step:,}, {number_format.duration(last.seconds)}**, learning rate "
        f"{race.learning_rate:g}. Accuracy: {words}."
    )


def legend() -> str:
    """Say what races, in one sentence."""
    digits = image_set("mnist")
    norm = recorded_series.TITLES["batch"]
    return (
        f"Two networks of this project, written in NumPy, train on {len(digits):,} digits on the "
        f"server, from the same weights and on the same batches, step by step, for "
        f"{SECONDS:.0f} seconds. One has {norm} after each convolution, the other has biases "
        "instead."
    )
