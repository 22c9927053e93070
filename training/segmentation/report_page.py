"""The report about pairs as one HTML file: what was found, and the images with their outlines."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

from PIL import Image

from training.segmentation.pair_check import CheckedPair, Report, overlay
from zoo.errors import ImageError
from zoo.weights.atomic_files import write_bytes

OVERLAYS = 24  # images shown, those with a problem first
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
li.problem { color: light-dark(#b3261e, #f2b8b5); font-weight: 600; }
li.warning { color: light-dark(#7a5900, #f0c04f); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; border-radius: .4rem; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
"""


def write_page(report: Report, path: Path) -> None:
    """Write the page, which needs no other file."""
    kinds = (("fact", report.facts), ("warning", report.warnings), ("problem", report.problems))
    items = "".join(
        f'<li class="{kind}">{html.escape(text)}</li>' for kind, texts in kinds for text in texts
    )
    doubtful = sorted(report.checked, key=lambda one: (not one.problem, one.share or 0.0))
    step = max(1, len(doubtful) // OVERLAYS)
    bad = [one for one in doubtful if one.problem][:OVERLAYS]
    rest = [one for one in doubtful if not one.problem][::step][: OVERLAYS - len(bad)]
    figures = "".join(_figure(one, one.pair.name in report.held) for one in (*bad, *rest))
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Images and masks</title><style>{STYLE}</style><h1>Images and masks</h1>"
        f'<ul>{items}</ul><div class="pairs">{figures}</div></html>'
    )
    write_bytes(path, text.encode())


def _figure(one: CheckedPair, held: bool) -> str:
    try:
        shown = Image.fromarray(overlay(one.pair))
    except ImageError:  # what cannot be read is told, not shown
        picture = ""
    else:
        file = io.BytesIO()
        shown.save(file, "JPEG", quality=85)
        encoded = base64.b64encode(file.getvalue()).decode()
        picture = f'<img alt="" src="data:image/jpeg;base64,{encoded}">'
    share = "" if one.share is None else f", {one.share:.0%} foreground"
    side = ", held out" if held else ""
    told = f"{one.pair.name}: {one.problem or one.values}{share}{side}"
    return f"<figure>{picture}<figcaption>{html.escape(told)}</figcaption></figure>"
