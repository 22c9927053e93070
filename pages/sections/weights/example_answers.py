"""What the page's code prints: asked of the loaded model, once, and kept."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models
from zoo import snippets
from zoo.segmentation import cutouts

_TIMED = 2  # answers; the fastest counts, because visitors share the processor


@dataclass(frozen=True)
class Printed:
    """What each way of asking about the example prints.

    Attributes:
        library: With :mod:`zoo`.
        plain: With PyTorch alone.
        shape: Of what the bare network returns for a blank input.
        command: On the command line.
        response: As JSON over HTTP.
        short: What the short Python and JavaScript examples print of that.
        cut_out: PNG file of the object alone; b"" from a network that names images.
        seconds: An answer takes on this server, reading and preparing the image included.
    """

    library: str
    plain: str
    shape: str
    command: str
    response: str
    short: tuple[str, ...]
    cut_out: bytes
    seconds: float


def printed(model: zoo.Classifier | zoo.Segmenter) -> Printed | None:
    """Return what the code prints, None for a model without an example."""
    if snippets.example(model.name) is None:
        return None
    return _printed(loaded_models.key(model), model)


@st.cache_data(show_spinner=False)
def _printed(key: str, _model: zoo.Classifier | zoo.Segmenter) -> Printed:
    sample = snippets.example(_model.name)
    assert sample is not None
    times = []
    for _ in range(_TIMED):
        start = time.perf_counter()
        found = _model.predict(sample.path)
        times.append(time.perf_counter() - start)
    answer = found.to_dict()
    loaded = _as_loaded(_model)
    own = found if loaded is _model else loaded.predict(sample.path)
    blank = np.zeros((1, *_model.preprocessing.input_shape), np.float32)
    shape = ", ".join(map(str, _model.logits(blank).shape))
    return Printed(
        library=repr(own),
        plain=_plain(loaded, sample.path),
        shape=f"torch.Size([{shape}])",
        command=f"{snippets.sample_path(_model.name)}: {own.in_words()}",
        response=json.dumps(answer, indent=2, ensure_ascii=False),
        short=tuple(str(answer[name]) for name in snippets.told(_model.name)),
        cut_out=_cut_out(sample.read(), found),
        seconds=min(times),
    )


def _as_loaded(model: zoo.Classifier | zoo.Segmenter) -> zoo.Classifier | zoo.Segmenter:
    """Return the model as the page's code loads it: the server's own may answer in bfloat16."""
    return model if model.precision == "float32" else zoo.load(model.name, device="cpu")


def _plain(model: zoo.Model, image: Path) -> str:
    """Return what the bare network's answer is put into: no refined edge, no speck taken back."""
    logits = model.logits(model.preprocess(image)[None])[0]
    if isinstance(model, zoo.Classifier):
        return model.labels[int(logits.argmax())]
    threshold = float(model.config["threshold"])
    share = float((logits[0] >= np.log(threshold / (1 - threshold))).mean())
    return f"{share:.1%} of the image is {model.labels[0]}"


def _cut_out(photo: bytes, found: zoo.Classification | zoo.Segmentation) -> bytes:
    if isinstance(found, zoo.Classification):
        return b""
    alpha = cutouts.opacity(found.probabilities, found.threshold)
    return cutouts.png(cutouts.cut_out(zoo.open_image(photo), alpha))
