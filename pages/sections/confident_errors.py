"""Where a classifier errs: confusion matrix, accuracy by class, its most confident errors."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.components.gallery import gallery
from pages.images import encoding
from zoo import records
from zoo.samples import Sample, samples


def show(model: zoo.Classifier) -> None:
    """Draw the section "Where it errs", if the model's record knows.

    Args:
        model: A loaded classifier.
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
    _most_confident(model)


def _classes(model: zoo.Classifier) -> None:
    accuracy = records.class_accuracy(model.record)
    order = sorted(range(len(accuracy)), key=accuracy.__getitem__, reverse=True)
    st.markdown("**Accuracy by class**")
    charts.show(
        charts.bars([model.labels[i] for i in order], [accuracy[i] for i in order]),
        key="class-accuracy",
        alt=", ".join(f"{model.labels[i]} {accuracy[i]:.1%}" for i in order),
    )


def _most_confident(model: zoo.Classifier) -> None:
    """Show the test images that it gets wrong most confidently, as far as we have them."""
    known = _images(model.name)
    shown = []
    for error in model.record["confident_errors"]:
        sample = known.get(f"test-{error['index']:05d}")
        if sample is None:  # of other weights than those in the bundle
            continue
        true, said = (model.labels[error[key]] for key in ("true", "predicted"))
        shown.append(
            gallery.GalleryImage(
                title=f"{true} → {said}",
                detail=number_format.percent(error["probability"]),
                image=encoding.data_url(encoding.png(model.model_input_image(sample.path), 5)),
                alt=f"{sample.description}: {true}, taken for {said}",
            )
        )
    if not shown:
        return
    st.markdown(f"**{len(shown)} most confident errors**: true → predicted")
    gallery.show("confident_errors", shown, columns=8, few=3, stacked=True)
    st.caption(next(iter(known.values())).credit)


def _images(name: str) -> dict[str, Sample]:
    try:
        return {sample.id: sample for sample in samples(f"{name}_errors")}
    except zoo.ZooError:
        return {}
