"""Where a classifier errs: confusion matrix, accuracy by class, its most confident errors."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.components.gallery import gallery
from pages.images import encoding, shared_images
from zoo import records
from zoo.samples import Sample, samples


def show(model: zoo.Classifier, take: Callable[[Sample], None], stage: str) -> None:
    """Draw the section "Where it errs", if the model's record knows.

    Args:
        model: A loaded classifier.
        take: Called with an error's image when somebody clicks it.
        stage: Key of the element that shows what was taken.
    """
    record = model.record
    if "confusion" not in record:
        return
    st.header("Where it errs", anchor="errors")
    n = record["metrics"]["test"]["n"]
    left, right = st.columns([7, 5], gap="large")
    with left:
        st.markdown(f"**Confusion matrix** &nbsp; {n:,} test images")
        charts.show(
            charts.confusion(model.labels, record["confusion"]),
            key="confusion",
            alt="Confusion matrix of the test images; row: truth, column: answer",
        )
    with right:
        _classes(model)
    _most_confident(model, take, stage)


def _classes(model: zoo.Classifier) -> None:
    accuracy = records.class_accuracy(model.record)
    order = sorted(range(len(accuracy)), key=accuracy.__getitem__, reverse=True)
    st.markdown("**Accuracy by class**")
    charts.show(
        charts.bars([model.labels[i] for i in order], [accuracy[i] for i in order]),
        key="class-accuracy",
        alt=", ".join(f"{model.labels[i]} {accuracy[i]:.1%}" for i in order),
    )


def _most_confident(model: zoo.Classifier, take: Callable[[Sample], None], stage: str) -> None:
    """Show the test images that it gets wrong most confidently, as far as we have them."""
    errors = _errors(model.name, zoo.info(model.name).sha256, model)
    if not errors:
        return
    found, shown = zip(*errors, strict=True)
    st.markdown(f"**{len(shown)} most confident errors**: true → predicted. Click one to open it.")

    def on_open() -> None:
        if (chosen := gallery.opened("confident_errors", len(found))) is not None:
            take(found[chosen])

    gallery.show(
        "confident_errors",
        shown,
        columns=8,
        few=3,
        stacked=True,
        on_open=on_open,
        opens="Open this image",
        target=stage,
    )
    st.caption(found[0].credit)


@st.cache_data(show_spinner=False)
def _errors(
    name: str, weights: str, _model: zoo.Classifier
) -> list[tuple[Sample, gallery.GalleryImage]]:
    """Return the errors that we have the image of, each with how it is shown."""
    known, errors = _images(name), []
    for error in _model.record["confident_errors"]:
        sample = known.get(f"test-{error['index']:05d}")
        if sample is None:  # of other weights than those in the bundle
            continue
        true, said = (_model.labels[error[key]] for key in ("true", "predicted"))
        image = encoding.png(_model.model_input_image(sample.path), 5)
        shown = gallery.GalleryImage(
            title=f"{true} → {said}",
            detail=number_format.percent(error["probability"]),
            image=shared_images.address(image),
            shape=1.0,
            alt=f"{sample.description}: {true}, taken for {said}",
        )
        errors.append((sample, shown))
    return errors


def _images(name: str) -> dict[str, Sample]:
    try:
        return {sample.id: sample for sample in samples(f"{name}_errors")}
    except zoo.ZooError:
        return {}
