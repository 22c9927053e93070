"""Which channel of which network's BatchNorm is looked into, with its γ and β; a link holds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

import zoo
from pages.components.link import link
from pages.sections.batch_norm import kept_choices, norm_inputs
from pages.sections.batch_norm.norm_inputs import Subject
from zoo import batch_norm

REACH = 4.0  # how far the sliders go from the network's own γ and β
ONE, ALL = "Channel", "Layer"
SCOPE = "bn.scope"  # key of what the sliders move


@dataclass(frozen=True)
class ChosenChannel:
    """A channel, and where the sliders of its γ and β begin and may go.

    Attributes:
        subject: the network.
        layer: name of the BatchNorm layer.
        channel: number of the channel.
    """

    subject: Subject
    layer: str
    channel: int

    def key(self, name: str) -> str:
        """Return the key of the slider of ``"gamma"`` or ``"beta"``."""
        return f"bn.{name}.{self.subject.name}.{self.layer}.{self.channel}"

    def own(self, name: str) -> float:
        """Return the trained ``"gamma"`` or ``"beta"``, as far as a slider tells it."""
        norm = self.subject.network.get_submodule(self.layer)
        values = norm.weight if name == "gamma" else norm.bias
        return round(float(values.detach()[self.channel]), 2)

    def value(self, name: str) -> float:
        """Return where the slider of ``"gamma"`` or ``"beta"`` stands."""
        return float(kept_choices.begin(self.key(name), self.own(name)))

    def reset(self) -> None:
        """Put both sliders back to what was trained."""
        for name in ("gamma", "beta"):
            kept_choices.put(self.key(name), self.own(name))


def choose() -> ChosenChannel:
    """Let somebody choose network, layer and channel."""
    titles = {name: zoo.info(name).title for name in norm_inputs.names()}
    name = kept_choices.begin("bn.network", next(iter(titles)))
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    row.segmented_control(
        "Network", list(titles), format_func=titles.__getitem__, required=True, key="bn.network"
    )
    subject = norm_inputs.subject(name)
    layers = batch_norm.layer_names(subject.network)
    layer = kept_choices.begin(_layer_key(name), layers[0])
    row.selectbox(
        "Layer",
        layers,
        format_func=lambda name: f"{layers.index(name) + 1} of {len(layers)}: {name}",
        key=_layer_key(name),
    )
    channel = kept_choices.begin(_channel_key(name, layer), opening(subject, layer))
    st.slider(
        "Channel", 0, _channels(subject, layer) - 1, key=_channel_key(name, layer),
        help="Opens at the channel with the largest γ.",
    )  # fmt: skip
    return ChosenChannel(subject, layer, channel)


def opening(subject: Subject, layer: str) -> int:
    """Return the channel to begin with, at which something happens: that with the largest γ."""
    norm = subject.network.get_submodule(layer)
    return int(np.argmax(np.abs(norm.weight.detach().numpy())))


def on_link() -> None:
    """Take what a visitor's link names; a layer or channel that is not there is left out."""
    names, number = norm_inputs.names(), link.number(-100, 100)
    came = link.arrived(
        network=link.one_of(names),
        layer=str,
        channel=link.whole(0, 10_000),
        gamma=number,
        beta=number,
        move=link.one_of((ALL,)),
    )
    if not came:
        return
    subject = norm_inputs.subject(came.get("network", names[0]))
    layers = batch_norm.layer_names(subject.network)
    layer = came["layer"] if came.get("layer") in layers else layers[0]
    channel = came.get("channel", opening(subject, layer))
    if channel >= _channels(subject, layer):
        channel = opening(subject, layer)
    kept_choices.put("bn.network", subject.name)
    kept_choices.put(_layer_key(subject.name), layer)
    kept_choices.put(_channel_key(subject.name, layer), channel)
    kept_choices.put(SCOPE, came.get("move", ONE))
    chosen = ChosenChannel(subject, layer, channel)
    for name in came.keys() & {"gamma", "beta"}:
        own = chosen.own(name)
        moved = min(max(came[name], own - REACH), own + REACH)
        kept_choices.put(chosen.key(name), round(moved, 2))


def hold_in_link(chosen: ChosenChannel, scope: str) -> None:
    """Put into the address what `on_link` reads, as far as it is not as usual."""
    subject, layer, channel = chosen.subject, chosen.layer, chosen.channel
    moved = {name: chosen.value(name) for name in ("gamma", "beta")}
    first = batch_norm.layer_names(subject.network)[0]
    link.show(
        "steps",
        network=None if subject.name == norm_inputs.names()[0] else subject.name,
        layer=None if layer == first else layer,
        channel=None if channel == opening(subject, layer) else channel,
        move=None if scope == ONE else scope,
        **{name: None if value == chosen.own(name) else value for name, value in moved.items()},
    )


def _layer_key(name: str) -> str:
    return f"bn.layer.{name}"


def _channel_key(name: str, layer: str) -> str:
    return f"bn.channel.{name}.{layer}"


def _channels(subject: Subject, layer: str) -> int:
    return int(subject.network.get_submodule(layer).num_features)
