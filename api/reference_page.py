"""A page for people of what the OpenAPI document says; it asks no other host for anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

_FILE = Path(__file__).with_suffix(".html")


def html(document: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        document: From :func:`api.openapi.document`.
    """
    info = document["info"]
    predict = {p["name"]: p["schema"]["enum"] for p in _parameters(document)}
    return _template().substitute(
        title=escape(f"{info['title']} over HTTP"),
        summary=_text(info["summary"]),
        description=_text(info["description"]),
        models=_options(predict["model"]),
        outputs=_options(predict["output"]),
        operations="\n".join(_operations(document)),
    )


@lru_cache
def _template() -> Template:
    return Template(re.sub(r"\$\{", "$${", _FILE.read_text(encoding="utf-8")))  # JavaScript's own


def _parameters(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return document["paths"]["/predict/{model}"]["post"]["parameters"]


def _options(values: Sequence[str]) -> str:
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def _text(markdown: str) -> str:
    """Return a sentence as HTML, its `code` as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(markdown, quote=False))


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a part that folds for each address."""
    prefix = document["servers"][0]["url"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f'<span class="method">{method.upper()}</span>'
            address = f'<span class="path">{escape(prefix + path)}</span>'
            yield (
                f"<details><summary>{name}{address}<br>"
                f'<span class="quiet">{_text(operation["summary"])}</span></summary>'
                f"{_operation(operation, document['components']['schemas'])}</details>"
            )


def _operation(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return what goes in and what comes out of an address."""
    parts = []
    if text := operation.get("description"):
        parts.append(f"<p>{_text(text)}</p>")
    if parameters := operation.get("parameters"):
        rows = [(p["name"], _parameter(p)) for p in parameters]
        parts.append(_table("Parameter", rows))
    if body := operation.get("requestBody"):
        kinds = ", ".join(f"`{kind}`" for kind in body["content"])
        parts.append(f"<p>Body: {_text(kinds)}.</p>")
    rows = [(status, _response(said)) for status, said in operation["responses"].items()]
    parts.append(_table("Status", rows))
    for name in dict.fromkeys(_named(operation["responses"]["200"])):
        shown = json.dumps({name: schemas[name]["properties"]}, indent=1)
        parts.append(f"<pre>{escape(shown)}</pre><br>")
    return "".join(parts)


def _parameter(parameter: Mapping[str, Any]) -> str:
    values = " | ".join(f"`{value}`" for value in parameter["schema"]["enum"])
    return _text(f"{values}. {parameter.get('description', '')}")


def _response(response: Mapping[str, Any]) -> str:
    kinds = ", ".join(f"`{kind}`" for kind in response["content"])
    return _text(f"{response['description']} ({kinds})")


def _named(value: Any) -> Iterator[str]:
    """Yield the names of the schemas that a part of the document refers to."""
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for part in value.values():
            yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)


def _table(head: str, rows: Sequence[tuple[str, str]]) -> str:
    """Return a table; the second cell of each row is HTML."""
    cells = "".join(f"<tr><td><code>{escape(a)}</code></td><td>{b}</td></tr>" for a, b in rows)
    return f'<div class="wide"><table><tr><th>{head}</th><th></th></tr>{cells}</table></div>'
