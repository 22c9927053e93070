"""Read what components were given; AppTest itself knows nothing of them."""

from __future__ import annotations

import base64
import json
from typing import Any

from streamlit.testing.v1 import AppTest

from pages.common import shared_files


def components(app: AppTest, name: str) -> list[dict[str, Any]]:
    """Return the data of all components with this name, in the page's order."""
    return [
        json.loads(element.proto.json)[0]  # in a tuple of one, see `pages.components.register`
        for element in app.get("bidi_component")
        if element.proto.component_name == f"cnn_lytical_{name}"
    ]


def image(address: str) -> bytes:
    """Return the image file behind an address: one that holds it, or one on the app's server."""
    head, _, encoded = address.partition(",")
    if head.startswith("data:"):
        return base64.b64decode(encoded)
    found = shared_files.find(address.rpartition("/")[2])
    assert found is not None, address
    return found


def answer(app: AppTest) -> dict[str, Any]:
    """Return what the digits page answers."""
    (found,) = components(app, "class_answer")
    return found


def to_the_end(app: AppTest) -> AppTest:
    """Return the app after somebody has come near everything that waits for that."""
    waiting = components(app, "in_view")
    assert waiting
    for place in waiting:
        app.session_state[f"near-{place['token']}"] = True
    return app.run()
