"""The list of pages. A new page is one entry here and one file beside this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import streamlit as st

import zoo


@dataclass(frozen=True)
class Entry:
    """One page of the app.

    Attributes:
        path: The page's file, relative to app.py; its stem is the address (``/digits``).
        title: What the side bar and the browser's tab call it.
        icon: A Material symbol, which Streamlit serves itself.
        section: Heading in the side bar; "" for the entry above all headings.
        model: The page shows only while the zoo has this model; None: always.
        summary: One sentence for the page's card on the overview; "": no card.
        samples: The collection in zoo.samples that the card shows; "": none.
    """

    path: str
    title: str
    icon: str
    section: str
    model: str | None = None
    summary: str = ""
    samples: str = ""


ENTRIES = (
    Entry("pages/overview.py", "Overview", ":material/home:", ""),
    Entry(
        "pages/interview.py",
        "The interview",
        ":material/forum:",
        "",
        summary="Twelve questions that interviewers ask: predict, see the measurement, say it.",
    ),
    Entry(
        "pages/digits.py",
        "Digits",
        ":material/draw:",
        "Models",
        model="mnist",
        summary="Draw a digit; a network written from scratch in NumPy reads it.",
        samples="digits",
    ),
    Entry(
        "pages/objects.py",
        "Objects",
        ":material/category:",
        "Models",
        model="cifar10",
        summary="Upload a photo; a network trained on 32\u00a0×\u00a032 pixels names it, and "
        "shows why.",
        samples="objects",
    ),
    Entry(
        "pages/cars.py",
        "Cars",
        ":material/directions_car:",
        "Models",
        model="carvana",
        summary="Upload a photo of a car; a small U-Net cuts it out.",
        samples="cars",
    ),
    Entry(
        "pages/feature_maps.py",
        "Feature maps",
        ":material/grid_view:",
        "Look inside",
        summary="Open any layer on your own image, down to the products of a single sum.",
    ),
    Entry(
        "pages/skip_connections.py",
        "Skip connections",
        ":material/conversion_path:",
        "Look inside",
        model="carvana",
        summary="Cut what hands the detail across a U-Net, put it back, and watch the mask.",
    ),
    Entry(
        "pages/batch_norm.py",
        "BatchNorm",
        ":material/tune:",
        "Look inside",
        model="cifar10",
        summary="What it does to a trained network, whether it helps, and where it belongs.",
    ),
    Entry(
        "pages/experiments.py",
        "Experiments",
        ":material/science:",
        "Look inside",
        summary="Every claim on these pages is a measurement. Here are all of them.",
    ),
    Entry("pages/use_the_weights.py", "Use the weights", ":material/download:", "Reuse"),
    Entry("pages/about.py", "About", ":material/info:", "More"),
)


ABOUT = "Convolutional networks that you can train, pull, run and take apart."
NAME = "CNN-Lytical"


def tab_title(entry: Entry) -> str:
    """Return what the browser's tab calls a page."""
    return NAME if entry is ENTRIES[0] else f"{entry.title} · {NAME}"


def name(entry: Entry) -> str:
    """Return the last part of a page's address."""
    return PurePosixPath(entry.path).stem


def by_name(wanted: str) -> Entry | None:
    """Return the page whose address ends in ``/wanted``, or None."""
    return next((entry for entry in ENTRIES if name(entry) == wanted), None)


def base() -> str:
    """Return the path below which a proxy has put the app, "" or "/path"."""
    path = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{path}" if path else ""


def entries() -> list[Entry]:
    """Return the pages whose model exists, in the side bar's order."""
    models = set(zoo.list_models())
    return [entry for entry in ENTRIES if entry.model is None or entry.model in models]


def problem() -> str | None:
    """Return why there are no models, such as a wrong ``ZOO_EXTRA``; None if all is well."""
    try:
        zoo.list_models()
    except zoo.ZooError as error:
        return str(error)
    return None


def without_models(why: str) -> st.Page:
    """Return the only page there is while a setting is wrong: it says why."""

    def overview() -> None:
        st.error(why, icon=":material/error:")

    return st.navigation([st.Page(overview, title=NAME, default=True)], position="hidden")


def navigation() -> tuple[st.Page, Entry]:
    """Build the side bar's page list; return the page that the visitor asked for, and its entry."""
    sections: dict[str, list[st.Page]] = {}
    made = {}
    for entry in entries():
        page = st.Page(entry.path, title=entry.title, icon=entry.icon, default=entry is ENTRIES[0])
        sections.setdefault(entry.section, []).append(page)
        made[page.url_path] = entry
    wanted = st.navigation(sections)
    return wanted, made[wanted.url_path]
