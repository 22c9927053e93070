"""Frames come faster than they are answered: wait, drop or skip?

    python -m training.experiments.deployment.video_queue --data-dir DIR

A video (a window that moves over a sample photo) is played in real time at several rates to the
shipped network. "wait": every frame is queued and answered in turn. "drop": at most one waits, and
a newer one takes its place. "skip": only every n-th frame is taken, n fixed beforehand from the
measured time of one answer, and queued.

Rows, one a policy, rate and seed:

- ``policy``: "wait", "drop" or "skip"; ``offered``: frames a second that arrive; ``seed``: of the
  window's path.
- ``service_ms``: median time of one answer.
- ``frames``: that arrived; ``answered``; ``dropped``: frames never answered.
- ``throughput``: answers a second; ``latency_ms``, ``latency_p95_ms``: from arrival to answer,
  median and 95th percentile; ``last_latency_ms``: of the last answer, which tells whether it grows.
- ``shown_age_ms``: mean age of the frame whose mask is on the screen.

``latencies``: by policy, rate and seed the (arrival s, latency ms) of each answered frame.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import mean, median
from typing import Any

import torch

import zoo
from training.engine.failures import run_command
from training.experiments import command, shipped
from training.experiments.deployment.moving_photos import SPEEDS, Video, record
from zoo.preprocessing.images import open_image
from zoo.samples import samples

NAME = "video_queue"
QUESTION = "Frames come faster than answers: wait, drop or skip?"
POLICIES, RATES, SEEDS = ("wait", "drop", "skip"), (10, 25, 50), (0, 1, 2)
SECONDS = 2.5
Answer = Callable[[int], object]  # a frame's number → whatever


@dataclass
class Play:
    """One video in real time.

    Attributes:
        rate: frames a second.
        seconds: of the video; what is unanswered then is never answered.
        every: only each so manieth frame is taken.
        newest: whether a newer frame takes the place of the one that waits.
        clock, sleep: of the real time, unless a test has another one.
        answered: (frame, when it arrived, when its answer was there), in seconds from the start.
    """

    rate: float
    seconds: float
    every: int = 1
    newest: bool = False
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], object] = time.sleep
    answered: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """How many frames arrive."""
        return round(self.rate * self.seconds)

    def run(self, answer: Answer) -> None:
        """Play it: take the next frame as the policy says, answer it, and so on."""
        taken = list(range(0, self.frames, self.every))
        start, place = self.clock(), 0
        while place < len(taken):
            now = self.clock() - start
            if now >= self.seconds:
                return
            arrived = taken[place] / self.rate
            if now < arrived:
                self.sleep(arrived - now)
                continue
            if self.newest:  # of those that are there
                while place + 1 < len(taken) and taken[place + 1] / self.rate <= now:
                    place += 1
            frame = taken[place]
            answer(frame)
            self.answered.append((frame, frame / self.rate, self.clock() - start))
            place += 1


def play(policy: str, rate: float, seconds: float, service: float, answer: Answer) -> Play:
    """Play a video under a policy.

    Args:
        policy: of `POLICIES`.
        service: seconds of an answer, by which "skip" fixes its n: the smallest that keeps up.
    """
    every = max(1, math.ceil(rate * service * 1.1)) if policy == "skip" else 1
    made = Play(rate, seconds, every, newest=policy == "drop")
    made.run(answer)
    return made


def row_of(made: Play) -> dict[str, Any]:
    """Return what a play was like."""
    latencies = sorted(1000 * (done - arrived) for _, arrived, done in made.answered)
    ends = [done for _, _, done in made.answered]
    last = latencies[-1:] and 1000 * (made.answered[-1][2] - made.answered[-1][1])
    return {
        "frames": made.frames,
        "answered": len(latencies),
        "dropped": made.frames - len(latencies),
        "throughput": len(latencies) / max(ends[-1], made.seconds) if ends else 0.0,
        "latency_ms": median(latencies) if latencies else None,
        "latency_p95_ms": latencies[int(0.95 * (len(latencies) - 1))] if latencies else None,
        "last_latency_ms": last if latencies else None,
        "shown_age_ms": shown_age(made),
    }


def shown_age(made: Play) -> float | None:
    """Return how old, in ms, the frame is whose mask is on the screen: mean over the time.

    From one answer to the next the age grows by one second a second.
    """
    ends = (
        [done for _, _, done in made.answered[1:]] + [max(made.seconds, made.answered[-1][2])]
        if made.answered
        else []
    )
    area = total = 0.0
    for (_, arrived, done), end in zip(made.answered, ends, strict=True):
        span = end - done
        area += span * ((done - arrived) + (end - arrived)) / 2
        total += span
    return 1000 * area / total if total else None


def service_seconds(model: zoo.Segmenter, video: Video, count: int) -> float:
    """Return the median time of an answer; two before it warm up."""
    times = []
    for number in range(count + 2):
        start = time.perf_counter()
        model.predict(video.frame(number % len(video.boxes)), refine=False)
        times.append(time.perf_counter() - start)
    return median(times[2:])


def show(model: zoo.Segmenter, video: Video, number: int) -> object:
    """Answer a frame of a video."""
    return model.predict(video.frame(number), refine=False)


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    most = max(row["offered"] for row in rows)

    def of(policy: str, column: str) -> float:
        found = [
            row[column]
            for row in rows
            if (row["policy"], row["offered"]) == (policy, most) and row[column] is not None
        ]
        return mean(found) if found else 0.0

    told = "; ".join(
        f"{policy}: {of(policy, 'throughput'):.1f} answers a second, latency "
        f"{of(policy, 'latency_ms'):.0f} ms and {of(policy, 'last_latency_ms'):.0f} ms at the end"
        for policy in POLICIES
    )
    service = mean(row["service_ms"] for row in rows)
    return f"At {most} frames a second and {service:.0f} ms for an answer: {told}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "pillow", "torch"))
    model = shipped.segmenter()
    photo = samples("cars")[0]
    seconds, count = (0.3, 1) if options.quick else (SECONDS, 9)
    rows, latencies = [], []
    for seed in SEEDS:
        opened = open_image(photo.read(), share=True)
        video = record(opened, round(max(RATES) * seconds), SPEEDS["slow"], seed)
        service = service_seconds(model, video, count)
        for rate, policy in itertools.product(RATES, POLICIES):
            made = play(policy, rate, seconds, service, partial(show, model, video))
            name = {"policy": policy, "offered": rate, "seed": seed}
            rows.append(name | {"service_ms": 1000 * service} | row_of(made))
            points = [(round(a, 4), round(1000 * (d - a), 1)) for _, a, d in made.answered]
            latencies.append(name | {"answers": points})
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        latencies=latencies,
        threads=torch.get_num_threads(),
        backend=f"{model.backend}, {model.precision}",
        limits=f"one process that decodes and answers in turn; videos of {seconds:g} s; what waits "
        "at the end counts as dropped; one machine.",
        credits=[{"photo": photo.id, "credit": photo.credit}],
        quick=options.quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
