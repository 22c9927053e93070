"""Which network a page asks: the one that ships with the code, or one of the host's own."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import number_format
from pages.components.link import link

_STATE = "segmenter"  # plain session state, so that it outlives a visit to another page


def names(shipped: str) -> list[str]:
    """Return the shipped network and the segmentation networks of ``ZOO_EXTRA``."""
    others = [name for name in zoo.list_models("segmentation") if zoo.info(name).folder is not None]
    return [shipped, *others]


def chosen(shipped: str) -> str:
    """Return the network that the visitor chose, or that their link names; the shipped one else."""
    there = names(shipped)
    came = link.arrived(network=link.one_of(there))
    name = came.get("network", st.session_state.get(_STATE, shipped))
    st.session_state[_STATE] = name if name in there else shipped
    return str(st.session_state[_STATE])


def show(shipped: str) -> None:
    """Draw the choice; nothing where the host has no network of their own."""
    there = names(shipped)
    if len(there) == 1:
        return
    st.segmented_control(
        "Network",
        there,
        default=st.session_state[_STATE],
        key="network",
        required=True,
        on_change=lambda: st.session_state.update({_STATE: st.session_state["network"]}),
    )
    name = st.session_state[_STATE]
    link.show("network", network=None if name == shipped else name)


def described(name: str) -> str:
    """Return a network's name and size, to choose it by."""
    return f"{name} · {number_format.count(zoo.info(name).parameters)} parameters"
