"""What the page "Feature maps" looks at: network, image, layer, channel, pixel; and its link.

Plain session state, so that it outlives a visit to another page.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components import upload
from pages.components.link import link
from zoo.samples import Sample, first_sample, samples


def names() -> list[str]:
    """Return the networks that can be opened: those with images to try them on."""
    return [name for name in zoo.list_models() if _collection(name)]


def stand_alone() -> list[str]:
    """Return those of them that are no alternatives to another one."""
    return [name for name in names() if not zoo.info(name).alternative_to]


def family() -> list[str]:
    """Return the network in use with its alternatives, or as one of another's, the other first."""
    head = zoo.info(state()["model"]).alternative_to or state()["model"]
    return [name for name in names() if head in (name, zoo.info(name).alternative_to)]


def images_of(name: str) -> tuple[Sample, ...]:
    """Return the images to try a model on: its own, or those of another model with its task."""
    return samples(_collection(name))


def state() -> dict[str, Any]:
    """Return the visitor's choices: ``model``, and ``of`` each model what :func:`now` returns."""
    return st.session_state.setdefault("inside", {"model": names()[0], "of": {}})


def now() -> dict[str, Any]:
    """Return the choices for the model in use: image, layer, channel, pixel.

    ``chosen`` names those that the visitor made; the others were proposed.
    """
    name = state()["model"]
    if name not in state()["of"]:
        state()["of"][name] = {"layer": None, "channel": None, "pixel": None, "chosen": ()}
        put_sample(first_sample(_collection(name)).id)
    return state()["of"][name]


def put(contents: Any, **more: Any) -> None:
    """Look at another image; layer and channel stay. One that cannot be used leaves the old.

    Args:
        contents: what ``model.model_input_image`` takes.
        **more: to be remembered with it: ``id`` of a sample, ``strokes``, ``own``.
    """
    here = state()["of"][state()["model"]]
    here.pop("problem", None)
    try:
        view = loaded_models.load(state()["model"]).model_input_image(contents)
    except Exception as error:
        here["problem"] = upload.problem(error)
        return
    put_view(view, **more)


def put_view(view: np.ndarray, **more: Any) -> None:
    """Look at an image as the network sees it: uint8 (H, W) or (H, W, 3)."""
    here = state()["of"][state()["model"]]
    for key in ("id", "strokes", "own"):
        here.pop(key, None)
    here |= {"view": view, "pixel": None, **more}


def put_sample(sample_id: str) -> None:
    """Look at a sample; an id that does not exist changes nothing."""
    for sample in images_of(state()["model"]):
        if sample.id == sample_id:
            put(sample.read(), id=sample_id)


def on_link() -> None:
    """Take what a visitor's link names; a layer, channel or pixel that is not there is left out."""
    largest = link.whole(0, 10_000)
    came = link.arrived(
        model=link.one_of(names()),
        sample=str,
        layer=str,
        channel=largest,
        row=largest,
        column=largest,
    )
    if "model" in came:
        state()["model"] = came["model"]
    here = now() if came else {}
    if "sample" in came:
        put_sample(came["sample"])
    if "layer" in came:
        here |= {"layer": came["layer"], "channel": came.get("channel"), "pixel": None}
        if "row" in came and "column" in came:
            here["pixel"] = (came["row"], came["column"])
        here["chosen"] = tuple(
            name for name in ("layer", "channel", "pixel") if here[name] is not None
        )


def hold_in_link() -> None:
    """Put into the address what `on_link` reads: what the visitor chose, not what was proposed."""
    here, name = now(), state()["model"]
    held = {part: here[part] for part in ("layer", "channel") if part in here["chosen"]}
    row, column = here["pixel"] if "pixel" in here["chosen"] else (None, None)
    sample = here.get("id")
    link.show(
        model=None if name == names()[0] else name,
        sample=None if sample == first_sample(_collection(name)).id else sample,
        layer=held.get("layer"),
        channel=held.get("channel"),
        row=row,
        column=column,
    )


def _collection(name: str) -> str:
    same_task = (zoo.info(other).samples for other in zoo.list_models(zoo.info(name).task))
    return zoo.info(name).samples or next(filter(None, same_task), "")
