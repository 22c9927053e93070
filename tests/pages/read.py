"""Read what components were given; AppTest itself knows nothing of them."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def components(app: AppTest, name: str) -> list[dict[str, Any]]:
    """Return the data of all components with this name, in the page's order."""
    return [
        json.loads(element.proto.json)
        for element in app.get("bidi_component")
        if element.proto.component_name == f"cnn_lytical_{name}"
    ]


def answer(app: AppTest) -> dict[str, Any]:
    """Return what the digits page answers."""
    (found,) = components(app, "class_answer")
    return found
