"""Overview: what this is, one card a model, and what there is to see inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format, site
from pages.components.headline import headline
from pages.components.image_link import image_link
from pages.images import encoding, mosaic, shared_images
from pages.sections import training_history
from pages.sections.batch_norm import recorded_series
from pages.sections.segmentation import skip_training
from zoo import records
from zoo.samples import samples

# Experiments whose questions stand on their page's card.
QUESTIONS = ("batch_norm_modes", "skip_cuts", "train_faster")
MAPS = 7  # feature maps on their page's card, beside the digit

entry_guard.ensure("pages/overview.py")

st.title("CNN-Lytical", anchor=False)
st.markdown(f"{site.ABOUT} Every number on these pages is a measurement that you can repeat.")


def purposes() -> None:
    """Say who this is for: what somebody may want, and where it is."""
    wanted = (
        ("Try it", "Draw a digit, name a photo, cut out a car.", "pages/digits.py"),
        ("Get interviewed", "Predict first, then measure.", "pages/interview.py"),
        ("Look inside", "Every layer, down to a single sum.", "pages/feature_maps.py"),
        ("Use the weights", "One line of code, or over HTTP.", "pages/use_the_weights.py"),
    )
    there = {entry.path for entry in site.entries()}
    found = [purpose for purpose in wanted if purpose[2] in there]
    for column, (title, said, path) in zip(st.columns(max(1, len(found))), found, strict=False):
        with column.container(gap=None, key=f"purpose-{PurePosixPath(path).stem}"):
            st.page_link(path, label=f"**{title}**", icon=":material/arrow_forward:")
            st.caption(said)


@st.cache_data(show_spinner=False)
def band(collection: str, count: int) -> bytes:
    """Return the first samples of a collection side by side, as an image file."""
    images = [sample.read() for sample in samples(collection)[:count]]
    return encoding.smaller(encoding.band(images))


def card(entry: site.Entry, name: str, wide: bool) -> None:
    """Draw one model's card: what it does, how well, how large, how it got there."""
    info, record = zoo.info(name), loaded_models.record(name)
    metric, value, n = records.headline(record)
    points = records.curve(record, "validation", metric)
    with st.container(border=True, height="stretch", gap="small"):
        if entry.samples:
            count = 10 if wide else 5
            alt = f"{count} of the images to try; to the page {entry.title}"
            lead(entry, band(entry.samples, count), alt, shape=count)
        if wide:
            left, right = st.columns(2, gap="large")
        else:  # the numbers of all cards at one height, however long their summaries are
            left, _, right = st.container(), st.space("stretch"), st.container()
        with left:
            st.header(info.title, anchor=False)
            st.markdown(summary(entry))
            st.caption(
                f"{number_format.count(info.parameters)} parameters, "
                f"{number_format.size(info.size)}  \n"
                f"Trained in {number_format.duration(record['train_seconds'])}"
            )
        with right:
            headline.show(
                f"headline-{name}",
                name=f"Test {training_history.METRICS[metric]}, n = {n:,}",
                value=number_format.percent(value, 2),
                values=[value for _, value in points],
                caption=_development(points),
                ends=_ends([value for _, value in points]),
            )
        with left if wide else st.container():
            link(entry)


def summary(entry: site.Entry) -> str:
    """Return what a page's card says, with no line that ends after "a U-"."""
    return entry.summary.replace("U-Net", "U\u2011Net")


def link(entry: site.Entry) -> None:
    """Draw a card's way to its page."""
    with st.container(key=f"open-page-{site.name(entry)}"):
        st.page_link(
            entry.path,
            label=f"Open {entry.title}",
            icon=":material/arrow_forward:",
            icon_position="right",
        )


def _development(points: list[tuple[int, float]]) -> str:
    """Say what the curve shows."""
    if not points:
        return ""
    return f"Validation, epoch {points[0][0]} to {points[-1][0]}"


def _ends(values: list[float]) -> tuple[str, str]:
    """Write the first and the last value of a curve."""
    if not values:
        return "", ""
    return number_format.percent(values[0]), number_format.percent(values[-1])


def lead(entry: site.Entry, image: bytes, alt: str, shape: float) -> None:
    """Draw a card's image, which leads to its page."""
    name = site.name(entry)
    address = shared_images.address(image, encoding.kind(image))
    image_link.show(f"lead-{name}", address, alt, name, shape)


@st.cache_data(show_spinner=False)
def digit_and_maps(_model: zoo.Classifier | zoo.Segmenter) -> bytes:
    """Return a digit and what the first layer's liveliest channels make of it, as a PNG file."""
    digit = samples("digits")[2].read()
    maps = zoo.explain.activations(_model, digit)["conv1"]
    liveliest = maps.std(axis=(1, 2)).argsort()[::-1][:MAPS]
    tiles = [mosaic.png(maps[[channel]], own_scale=True) for channel in liveliest]
    return encoding.png(encoding.band([digit, *tiles], rows=2))


def feature_maps_card() -> None:
    """Draw a digit and its maps, computed now."""
    if model := loaded_models.loaded("mnist"):
        alt = f"A digit and {MAPS} maps of it; to the page Feature maps"
        entry = site.by_name("feature_maps")
        if entry:
            lead(entry, digit_and_maps(model), alt, shape=(MAPS + 1) / 4)
        st.caption("A digit, and maps of it in the first layer of the network that reads it.")


def batch_norm_card() -> None:
    """Draw the recorded learning curves with and without BatchNorm, if they are recorded."""
    found = recorded_series.recorded("batch_norm_speed")
    if found is None:
        return
    curves, ends = [], []
    for norm in ("batch", "none"):
        runs = recorded_series.final(found, norm=norm)
        if runs is None:  # not measured
            return
        count = len(runs.accuracies)
        _, middle, _ = recorded_series.learning_curve(found, norm, runs.rate)
        curves.append([value for _, value in middle])
        ends.append(number_format.percent(runs.mean))
    headline.show(
        "headline-batch_norm",
        name="CIFAR-10 validation accuracy of a small network, with BatchNorm",
        value=ends[0],
        values=curves[0],
        against=curves[1],
        ends=_ends(curves[0]),
        caption=f"Gray: without, {ends[1]}. {len(curves[0])} epochs, each at its own "
        f"learning rate, mean of {count} seeds.",
    )


def skip_connections_card() -> None:
    """Draw what a network without skip connections finds, if it is recorded."""
    found = skip_training.recorded()
    entry = site.by_name("skip_connections")
    if found is None or entry is None:
        return
    alt = "What U-Nets with and without skip connections see; to the page about them"
    lead(entry, skip_training.strip(found), alt, shape=skip_training.STRIP)
    having, cut, without = (
        number_format.percent(skip_training.mean(found, which))
        for which in (skip_training.WITH, skip_training.CUT, skip_training.WITHOUT)
    )
    st.caption(
        f"A car, as U-Nets see it: with skip connections (IoU {having}), the same one with all of "
        f"them cut ({cut}), and one trained without ({without})."
    )


def experiments_card() -> None:
    """Say how many experiments are recorded, and name some."""
    names = zoo.list_experiments()
    headline.show(
        "headline-experiments",
        name="Recorded experiments",
        value=str(len(names)),
        values=(),
        caption="Each with its question, finding, table, limits, and the command that repeats it.",
    )
    st.markdown(
        "\n".join(
            f"- [{zoo.experiment(name).question}]({site.base()}/experiments?experiment={name})"
            for name in QUESTIONS
            if name in names
        )
    )


# What a card shows beside the page's summary; a page that is not here has the summary alone.
FIGURES: dict[str, Callable[[], None]] = {
    "feature_maps": feature_maps_card,
    "skip_connections": skip_connections_card,
    "batch_norm": batch_norm_card,
    "experiments": experiments_card,
}
INSIDE = "Look inside"

purposes()
cards = [each for each in site.entries() if each.model and each.summary and each.section != INSIDE]
for first in range(0, len(cards), 3):
    row = cards[first : first + 3]
    for column, entry in zip(st.columns(min(len(cards), 3)), row, strict=False):
        with column:
            card(entry, str(entry.model), wide=len(cards) == 1)

inside = [entry for entry in site.entries() if entry.section == INSIDE and entry.summary]
if inside:
    st.header(INSIDE, anchor=False)
for first in range(0, len(inside), 2):
    for column, entry in zip(st.columns(2), inside[first : first + 2], strict=False):
        with column, st.container(border=True, height="stretch", gap="small"):
            st.subheader(entry.title, anchor=False)
            st.markdown(summary(entry))
            FIGURES.get(site.name(entry), lambda: None)()
            st.space("stretch")
            link(entry)
