"""What is on the stage of the cars page: a photo, and what the visitor chose for it.

It lies in plain session state, so that it outlives a visit to another page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

import zoo
from pages.components import upload
from pages.components.link import link
from pages.components.mask_viewer import mask_viewer
from pages.components.mask_viewer.mask_viewer import Choice
from pages.components.thumbnails import thumbnails
from pages.sections.segmentation import cut_out, segmented_photo
from pages.sections.segmentation.segmented_photo import Scene
from zoo.samples import Sample, samples
from zoo.segmentation import mask_edits


def choices() -> list[Sample]:
    """Return the sample photos: the clean ones, the hard ones, and at last one without a car."""
    found = sorted(samples("cars"), key=lambda sample: sample.group == "hard")
    return [*found, *[s for s in samples("objects") if s.group == "none"][-1:]]


@st.cache_resource(show_spinner=False, max_entries=64)
def _sample_scene(weights: str, _model: zoo.Segmenter, sample_id: str) -> Scene:
    """Look at a sample photo, once for all visitors.

    Args:
        weights: SHA-256 of the weights: other weights, other answers.
        _model: Theirs.
        sample_id: One of the samples.
    """
    sample = next(sample for sample in choices() if sample.id == sample_id)
    return segmented_photo.look(_model, sample.read(), sample.path.name, shared=True)


class CarStage:
    """The stage of this session.

    Attributes:
        model: The network in use.
        usual: Its own threshold, in percent.
    """

    def __init__(self, model: zoo.Segmenter) -> None:
        self.model = model
        self.usual = round(100 * model.config["threshold"])

    def shown(self) -> dict[str, Any]:
        """Return what is on the stage: a photo, and what the visitor chose for it."""
        if "cars" not in st.session_state:
            self.put_sample(choices()[0].id)
        return st.session_state["cars"]

    def put(self, name: str, **contents: Any) -> None:
        """Put a photo on the stage. The number tells the stage that it is new."""
        number = st.session_state.get("cars", {}).get("number", 0) + 1
        before = st.session_state.get("cars", {})
        view = before["choice"].view if before else mask_viewer.VIEWS[0]
        st.session_state["cars"] = {
            "name": name,
            "number": number,
            "choice": Choice(self.usual, view, []),
            "own": before.get("own"),
            "network": self.model.name,
        } | contents

    def put_sample(self, sample_id: str) -> None:
        """Put a sample photo on the stage; an id that does not exist changes nothing."""
        for sample in choices():
            if sample.id == sample_id:
                about = sample.description
                self.put(sample.path.name, id=sample_id, credit=sample.credit, about=about)

    def on_pick(self) -> None:
        """Take the sample that was clicked."""
        if chosen := thumbnails.picked("samples"):
            self.put_sample(chosen)

    def on_photo(self, name: str, contents: bytes) -> None:
        """Take a photo of the visitor's own; the one on the stage stays until it is read."""
        self.shown()["next"] = {"name": name, "encoded": contents}

    def on_camera(self, key: str) -> None:
        """Take what the camera took."""
        if file := st.session_state[key]:
            self.on_photo(file.name, file.getvalue())

    def on_back(self) -> None:
        """Put the visitor's own photo back, which stays at hand while they look at others."""
        if own := self.shown()["own"]:
            self.put(own.name, scene=own)

    def on_choice(self) -> None:
        """Take threshold, view and changes that the stage sent; the network is not asked again."""
        if choice := mask_viewer.chosen("stage", self.token()):
            self.shown()["choice"] = choice

    def current(self) -> Scene:
        """Return the photo on the stage, looked at; one that cannot be used leaves the old."""
        if new := self.shown().pop("next", None):
            with st.spinner("Looking at the photo …"):
                try:
                    scene = segmented_photo.look(self.model, new["encoded"], new["name"])
                    self.put(new["name"], scene=scene, own=scene)
                except Exception as error:
                    self.shown()["problem"] = upload.problem(error)
        now = self.shown()
        if why := now.get("problem"):
            st.error(f"{why} The photo before it stays.", icon=":material/image_not_supported:")
        if "id" in now:
            return _sample_scene(zoo.info(self.model.name).sha256, self.model, now["id"])
        found: Scene = now["scene"]
        if found.network != self.model.name:
            found = segmented_photo.look(self.model, found.encoded, found.name)
            now["scene"] = now["own"] = found
        return found

    def token(self) -> str:
        """Tell what is on the stage from what was: the photo, and whether all of the mask is."""
        now = self.shown()
        return f"{now['number']}{'-largest' if now.get('largest') else ''}"

    def wanted(self, whole: Scene) -> Scene:
        """Return the scene with all components of what was found, or with the largest alone."""
        now = self.shown()
        if not now.get("largest"):
            return whole
        if "piece" not in now:
            now["piece"] = whole.largest_component()
        return now["piece"]

    def changed(self, seen: Scene) -> Scene:
        """Return the scene with the visitor's changes of the mask."""
        return seen.edited(mask_edits.read(self.shown()["choice"].edits) or ())

    def on_largest(self) -> None:
        """Take the choice of all components or the largest; what was made of the other is void."""
        now = self.shown()
        now["largest"] = bool(st.session_state[f"largest-{now['number']}"])
        now.pop("full", None)

    def take_over(self) -> None:
        """Where another network is chosen, begin with its threshold and keep nothing of the old."""
        now = self.shown()
        if now["network"] != self.model.name:
            for key in ("piece", "full", "largest"):
                now.pop(key, None)
            choice = Choice(self.usual, now["choice"].view, [])
            now |= {"network": self.model.name, "choice": choice, "number": now["number"] + 1}

    def on_link(self) -> None:
        """Take what a visitor's link names: sample, threshold, view, background."""
        came = link.arrived(
            sample=link.one_of([sample.id for sample in choices()]),
            threshold=link.whole(1, 99),
            view=link.one_of(mask_viewer.VIEWS),
            largest=link.one_of(["1"]),
        )
        cut_out.on_link()
        if "sample" in came:
            self.put_sample(came["sample"])
        if came:
            now = self.shown()
            now["choice"] = replace(
                now["choice"],
                percent=came.get("threshold", self.usual),
                view=came.get("view", now["choice"].view),
            )
            now["largest"] = "largest" in came
            now["number"] += 1  # the stage has to take it over

    def hold_in_link(self) -> None:
        """Put into the address what `on_link` reads; a visitor's own photo stays out of it."""
        now, choice = self.shown(), self.shown()["choice"]
        named: dict[str, str | float | None] = {
            "threshold": None if choice.percent == self.usual else choice.percent,
            "view": None if choice.view == mask_viewer.VIEWS[0] else choice.view,
            "largest": True if now.get("largest") else None,
            **cut_out.for_link(),
        }
        sample = now.get("id")
        usual = sample == choices()[0].id and not any(named.values())
        link.show(sample=None if usual else sample, **(named if sample else dict.fromkeys(named)))

    def threshold(self) -> float:
        """Return the threshold in use, a probability; the model's own to its last digit."""
        percent = self.shown()["choice"].percent
        return self.model.config["threshold"] if percent == self.usual else percent / 100
