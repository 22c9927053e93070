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

NAME = "video_queue"
QUESTION = "Frames come faster than answers: wait, drop or skip?"
