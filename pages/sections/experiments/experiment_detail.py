"""One experiment: question, finding, chart, limits, table, and how to repeat it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import streamlit as st

import zoo
from pages.common import charts, command_line, number_format
from pages.sections.experiments import chart_plans, row_charts, words
from pages.sections.experiments.chart_plans import ChartPlan, Rows

_ASKED = "experiment-asked"  # in the session: by experiment, what a link wants its chart to show


def ask(name: str, measure: str = "", choice: str = "") -> None:
    """Begin an experiment's chart with what a link names, if there is such a thing."""
    st.session_state.setdefault(_ASKED, {})[name] = {"measure": measure, "choice": choice}


def show(experiment: zoo.Experiment) -> dict[str, str | None]:
    """Draw it; return what a link to its chart holds: ``measure``, ``choice``."""
    held: dict[str, str | None] = {"measure": None, "choice": None}
    st.header(experiment.question, anchor=False)
    st.markdown(number_format.spaced(experiment.finding))
    curves = [c for c in experiment.raw.get("curves", []) if "validation" in c]
    if len(experiment.rows) == 1 and curves:
        charts.show(row_charts.progress(curves), "curves", "Validation accuracy by epoch")
    elif plan := chart_plans.plan(experiment.name, experiment.rows):
        held |= _chart(experiment, plan)
    if limits := words.limits(experiment):
        st.markdown(f"**Limits.** {limits}")
    _table(experiment)
    _repeat(experiment)
    return held


def _chart(experiment: zoo.Experiment, plan: ChartPlan) -> dict[str, str | None]:
    """Draw the chart, and choices where there is something to choose; return those."""
    rows: Rows = plan.drawn(experiment.rows)
    key = experiment.name
    asked = st.session_state.get(_ASKED, {}).get(key, {})
    held: dict[str, str | None] = {}
    with st.container(horizontal=True, vertical_alignment="top"):
        if plan.choose:
            values = list(dict.fromkeys(row[plan.choose] for row in rows))
            named = [v for v in values if _written(v) == asked.get("choice")]
            chosen = st.segmented_control(
                words.column_title(plan.choose),
                values,
                default=(named or values)[0],
                required=True,
                key=f"choose-{key}",
                format_func=_written,
            )
            held["choice"] = None if chosen == values[0] else _written(chosen)
            rows = [row for row in rows if row[plan.choose] == chosen]
        drawn = [m for m in plan.measures if row_charts.points(rows, plan, m)]
        measure = drawn[0]
        if len(drawn) > 1:
            measure = st.selectbox(
                "Measure",
                drawn,
                index=drawn.index(asked["measure"]) if asked.get("measure") in drawn else 0,
                key=f"measure-{key}",
                format_func=words.column_title,
                width=240,
            )
            held["measure"] = None if measure == drawn[0] else measure
    alt = f"{words.column_title(measure)}: {experiment.finding}"
    charts.show(row_charts.figure(rows, plan, measure), f"chart-{key}", alt)
    seeds = [c for c in chart_plans.REPLICATES if len({r.get(c) for r in rows}) > 1]
    dot = " of a ".join((*seeds[:1], *plan.over))
    if dot and not plan.x:
        st.caption(f"A dot is a {dot}, a tick the mean.")
    elif dot and row_charts.hides_dots(row_charts.points(rows, plan, measure)):
        st.caption(f"The line is the {plan.middle} over every {dot}.")
    elif dot and plan.scatter:
        st.caption(f"A small dot is a {dot}, the large one their {plan.middle}.")
    elif dot:
        st.caption(f"A dot is a {dot}, the line is their {plan.middle}.")
    elif plan.middle == "median":
        st.caption("Median over the layers.")
    return held


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(experiment: zoo.Experiment) -> None:
    """Draw the rows, and a button that downloads them."""
    many = f"{len(experiment.rows):,} row{'s' * (len(experiment.rows) != 1)}"
    with st.expander(f"Table, {many}"):
        flat = [{column: _flat(value) for column, value in row.items()} for row in experiment.rows]
        st.dataframe(flat, hide_index=True, height=min(420, 40 + 36 * len(flat)))
    with st.container(horizontal=True):
        st.download_button(
            "Rows, CSV",
            data=lambda: as_csv(experiment.rows),
            file_name=f"{experiment.name}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "All of it, JSON",
            data=lambda: json.dumps(experiment.raw, indent=1),
            file_name=f"{experiment.name}.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
        )


def as_csv(rows: Rows) -> str:
    """Return rows as CSV: numbers with all their digits, a gap as nothing, the rest as JSON."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _flat(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _flat(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict | tuple) else value


def _repeat(experiment: zoo.Experiment) -> None:
    """Draw the command, and on what it ran."""
    st.subheader("Repeat it", anchor=False)
    command_line.show(experiment.command)
    facts = [
        f"measured on {measured}" if (measured := experiment.raw.get("measured_on")) else "",
        f"seed{'s' * (len(experiment.seeds) != 1)} {', '.join(map(str, experiment.seeds))}",
        f"commit {(experiment.git_commit or 'unknown').partition('+')[0][:7]}",
        str(experiment.raw.get("started", ""))[:10],
        _machine(experiment),
        ", ".join(f"{name} {version}" for name, version in experiment.versions.items()),
    ]
    st.caption(" · ".join(fact for fact in facts if fact))


def _machine(experiment: zoo.Experiment) -> str:
    found = experiment.hardware
    if gpu := found.get("gpu"):
        return str(gpu)
    return f"{found['cpu']}, {number_format.cores(found['cores'])}" if found else ""
