"""The choice of the network that is opened, and of the image that it is shown."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.components.drawing_pad import drawing_pad
from pages.components.drop_zone import drop_zone
from pages.components.thumbnails import thumbnails
from pages.images import encoding, shared_images
from pages.sections.feature_maps import looked_at
from pages.sections.feature_maps.looked_at import now, state

_SHOWN = 10  # samples
_FAMILY = 220  # pixels that the choice between alternatives is wide


def show(model: zoo.Model) -> None:
    """Draw it; an image that cannot be used is told of.

    Args:
        model: the one in use.
    """
    left, right = st.columns([8, 5], gap="medium")
    with left:
        _choose_network(model.name)
        thumbnails.show("inside-samples", _thumbnails(model.name), now().get("id"), _on_pick)
    with right:
        yours = now().get("yours")
        drop_zone.show(
            f"inside-{model.name}",
            title="Your image",
            on_file=_on_file,
            yours=None if yours is None else encoding.data_url(encoding.png(yours)),
            chosen=bool(now().get("own")),
            on_back=_on_back,
            result="inside-diagram-place",
        )
        if model.preprocessing.kind == "mnist_digit":
            with st.popover("Draw", icon=":material/draw:"):
                drawn = now().get("strokes")
                drawing_pad.draw("inside-pad", token="pad", strokes=drawn, on_change=_on_stroke)
    if why := now().get("problem"):
        st.warning(f"{why} The image before it stays.", icon=":material/image_not_supported:")


def _choose_network(name: str) -> None:
    """Draw the choice between the networks, and between the one in use and its alternatives."""
    family = looked_at.family()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        if len(looked_at.stand_alone()) > 1:
            st.segmented_control(
                "Network",
                looked_at.stand_alone(),
                default=family[0],
                format_func=_title,
                key="inside-model",
                on_change=lambda: _on_model("inside-model"),
                required=True,
            )
        if len(family) > 1:
            key = f"inside-{family[0]}-family"
            st.selectbox(
                "Architecture",
                family,
                index=family.index(name),
                key=key,
                on_change=lambda: _on_model(key),
                width=_FAMILY,
            )


def _on_model(key: str) -> None:
    """Look into another model."""
    state()["model"] = st.session_state[key] or state()["model"]


def _on_pick() -> None:
    """Take the sample that was clicked."""
    if chosen := thumbnails.picked("inside-samples"):
        looked_at.put_sample(chosen)


def _on_file(_name: str, contents: bytes) -> None:
    """Take an image of the visitor's own, which stays at hand while they look at others."""
    looked_at.put(contents, own=True)
    if "problem" not in now():
        now()["yours"] = now()["view"]


def _on_back() -> None:
    """Look at the visitor's own image again."""
    if "yours" in now():
        looked_at.put_view(now()["yours"], own=True)


def _on_stroke() -> None:
    """Take what was drawn."""
    if drawing := drawing_pad.drawing("inside-pad"):
        looked_at.put(drawing.png, strokes=drawing.strokes)


def _title(name: str) -> str:
    """Return a model's title, with its name where several share it; the host's own has its name."""
    title = zoo.info(name).title
    if zoo.info(name).folder is not None:
        return name
    shared = sum(zoo.info(other).title == title for other in looked_at.names()) > 1
    return f"{title} ({name})" if shared else title


@st.cache_data(show_spinner=False)
def _thumbnails(name: str) -> dict[str, list[thumbnails.Item]]:
    """Return the model's sample images."""
    images = [sample for sample in looked_at.images_of(name) if sample.group == "typical"]
    items = [
        thumbnails.Item(
            s.id,
            shared_images.address(encoding.png(encoding.band([s.read()]))),
            s.description,
        )
        for s in images[:_SHOWN]
    ]
    return {"Images": items}
