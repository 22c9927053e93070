"""The README's badges: small SVG files of our own, so that no badge asks a server for a number."""

from __future__ import annotations

import tomllib
from html import escape

import zoo
from training.documents.markdown_text import percent
from training.engine.provenance import ROOT
from zoo.records import METRIC

LEFT, RIGHT, GOOD = "#4b4b57", "#5b5bd6", "#2e7d4f"
CHARACTER, PADDING, HIGH = 6.6, 7, 20  # pixels: mean width of a character, beside the text, height
SHORT = {"accuracy": "accuracy", "iou": "IoU"}


def badges() -> dict[str, str]:
    """Return the SVG files by name, in the README's order: license, Python, a metric a model."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {
        "license": badge("license", project["license"], RIGHT),
        "python": badge("python", project["requires-python"].replace(">=", "≥ "), RIGHT),
    }
    for name in zoo.list_models(own=False, alternatives=False):
        info = zoo.info(name)
        metric = METRIC[info.task]
        text = f"{percent(info.metrics[metric])} {SHORT.get(metric, metric)}"
        found[name] = badge(str(info.data["name"]), text, GOOD)
    return found


def badge(left: str, right: str, colour: str) -> str:
    """Return one badge: a name on gray, a value on a colour.

    Args:
        left: the name.
        right: the value.
        colour: behind the value, dark enough for white text.
    """
    first, second = (round(len(text) * CHARACTER + 2 * PADDING) for text in (left, right))
    label = escape(f"{left}: {right}")
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{first + second}' height='{HIGH}' "
        f"role='img' aria-label='{label}'>\n<title>{label}</title>\n"
        f"<clipPath id='r'><rect width='{first + second}' height='{HIGH}' rx='3'/></clipPath>\n"
        f"<g clip-path='url(#r)'><rect width='{first}' height='{HIGH}' fill='{LEFT}'/>"
        f"<rect x='{first}' width='{second}' height='{HIGH}' fill='{colour}'/></g>\n"
        "<g fill='#fff' text-anchor='middle' font-size='11' "
        "font-family='Verdana, DejaVu Sans, sans-serif'>"
        f"<text x='{first / 2}' y='14'>{escape(left)}</text>"
        f"<text x='{first + second / 2}' y='14'>{escape(right)}</text></g>\n</svg>\n"
    )
