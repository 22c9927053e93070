"""Where a classifier errs: confusion matrix, accuracy by class, and the errors' images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.components.confusion_matrix import confusion_matrix
from pages.components.confusion_matrix.confusion_matrix import Cell
from pages.components.gallery import gallery
from pages.images import encoding, shared_images
from pages.sections import when_near
from zoo import records
from zoo.samples import Sample, samples

_GALLERY = "confident_errors"
_TAKEN = "errors-taken"  # in the session's state: an image was taken, which the page's top shows

Take = Callable[[Sample], None]
Error = Mapping[str, Any]


def show(model: zoo.Classifier, take: Take, stage: str) -> None:
    """Draw the section "Where it errs", if the model's record knows.

    Args:
        model: A loaded classifier.
        take: Called with an error's image when somebody clicks it.
        stage: Key of the element that shows what was taken.
    """
    if "confusion" not in model.record:
        return
    st.header("Where it errs", anchor="errors")
    _explore(model, take, stage)


@st.fragment
def _explore(model: zoo.Classifier, take: Take, stage: str) -> None:
    """Draw the matrix, and the images of the cell that is open: a click reruns this alone."""
    if st.session_state.pop(_TAKEN, False):
        st.rerun()
    n = model.record["metrics"]["test"]["n"]
    known = _known(model)
    left, right = st.columns([7, 5], gap="large")
    with left:
        st.markdown(f"**Confusion matrix** &nbsp; {n:,} test images")
        _matrix(model, known)
    with right:
        _classes(model)
    _images(model, known, take, stage)


def _matrix(model: zoo.Classifier, known: dict[int, tuple[Error, Sample]]) -> None:
    key = f"confusion-{model.name}"

    def on_open() -> None:
        if cell := confusion_matrix.opened(key, len(model.labels)):
            st.session_state[_place(model)] = None if cell == _open(model) else cell

    confusion_matrix.show(
        key,
        model.labels,
        model.record["confusion"],
        {_cell(error) for error, _ in known.values()},
        _open(model),
        on_open,
        target=_GALLERY,
    )


def _classes(model: zoo.Classifier) -> None:
    accuracy = records.class_accuracy(model.record)
    order = sorted(range(len(accuracy)), key=accuracy.__getitem__, reverse=True)
    st.markdown("**Accuracy by class**")
    when_near.chart(
        charts.bars([model.labels[i] for i in order], [accuracy[i] for i in order]),
        key="class-accuracy",
        alt=", ".join(f"{model.labels[i]} {number_format.percent(accuracy[i])}" for i in order),
        height=charts.bars_height(len(order)),
    )


def _images(
    model: zoo.Classifier, known: dict[int, tuple[Error, Sample]], take: Take, stage: str
) -> None:
    """Draw the errors of the open cell, or the most confident ones of all, as far as we have them.

    Images of other weights than those in the bundle are not here.
    """
    cell = _open(model)
    if cell is None:
        shown = [known[e["index"]] for e in model.record["confident_errors"] if e["index"] in known]
    else:
        shown = [pair for pair in known.values() if _cell(pair[0]) == cell]
    if not shown:
        return
    _title(model, cell, len(shown))
    weights = zoo.info(model.name).sha256

    def on_open() -> None:
        if (chosen := gallery.opened(_GALLERY, len(shown))) is not None:
            take(shown[chosen][1])
            st.session_state[_TAKEN] = True

    gallery.show(
        _GALLERY,
        [_gallery_image(weights, error["index"], model, error, s) for error, s in shown],
        columns=8,
        few=3,
        stacked=True,
        on_open=on_open,
        opens="Open this image",
        target=stage,
    )
    st.markdown(f":small[{shown[0][1].credit}]")  # no caption: it may hold an address


def _title(model: zoo.Classifier, cell: Cell | None, count: int) -> None:
    """Say what is shown, and lead back from one cell to all of them."""
    if cell is None:
        st.markdown(f"**{count} most confident errors**: truth → answer. Click one to open it.")
        return
    true, said = (model.labels[i] for i in cell)
    total = model.record["confusion"][cell[0]][cell[1]]
    which = "all" if count == total else f"the {count} most confident of {total}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{true} → {said}**: {which}. Click one to open it.", width="content")
        if st.button("All classes", icon=":material/arrow_back:", type="tertiary"):
            st.session_state[_place(model)] = None
            st.rerun(scope="fragment")


@st.cache_data(show_spinner=False)
def _gallery_image(
    weights: str, index: int, _model: zoo.Classifier, _error: Error, _sample: Sample
) -> gallery.GalleryImage:
    """Return an error as it is shown: made once for all visitors."""
    true, said = (_model.labels[_error[key]] for key in ("true", "predicted"))
    image = encoding.png(_model.model_input_image(_sample.path), 5)
    return gallery.GalleryImage(
        title=f"{true} → {said}",
        detail=number_format.percent(_error["probability"]),
        image=shared_images.address(image),
        shape=1.0,
        alt=f"{_sample.description}: {true}, taken for {said}",
    )


def _known(model: zoo.Classifier) -> dict[int, tuple[Error, Sample]]:
    """Return the recorded errors whose images are here, by their index, boldest first."""
    try:
        found = {sample.id: sample for sample in samples(f"{model.name}_errors")}
    except zoo.ZooError:
        return {}
    record = model.record
    listed = [*record["confident_errors"], *record.get("error_examples", [])]
    listed.sort(key=lambda error: -error["probability"])
    return {
        error["index"]: (error, found[name])
        for error in listed
        if (name := f"test-{error['index']:05d}") in found
    }


def _cell(error: Error) -> Cell:
    return (error["true"], error["predicted"])


def _place(model: zoo.Classifier) -> str:
    return f"errors-{model.name}"


def _open(model: zoo.Classifier) -> Cell | None:
    """Return the cell that is open; None: the most confident errors of all are shown."""
    found: Cell | None = st.session_state.get(_place(model))
    return found
