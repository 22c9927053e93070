"""The OpenAPI document: what there is to ask, and what comes back."""

from __future__ import annotations

from typing import Any

import zoo

VERSION = "3.1.0"
OUTPUTS = ("json", "mask", "cutout")

_IMAGE = {"type": "string", "contentMediaType": "application/octet-stream"}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_PNG = {"image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}}}


def document(prefix: str) -> dict[str, Any]:
    """Return the document for the models that there are.

    Args:
        prefix: Where the API lies on its server, such as ``"/api"``.
    """
    return {
        "openapi": VERSION,
        "info": {
            "title": "CNN-Lytical",
            "version": "1",
            "summary": "Ask the networks what an image shows.",
            "description": (
                'An error is one sentence, `{"error": "…"}`. Answers are made one at a time a '
                "core; when the line is full the status is 503, and `Retry-After` says when to "
                "come back."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": prefix}],
        "paths": {
            "/models": {"get": _models()},
            "/predict/{model}": {"post": _predict()},
            "/example/{model}": {"get": _example()},
        },
        "components": {"schemas": _schemas()},
    }


def _models() -> dict[str, Any]:
    return {
        "operationId": "models",
        "summary": "The models: task, labels, test metrics, license, files with their sha256",
        "responses": {"200": _json("The models", "Models")},
    }


def _predict() -> dict[str, Any]:
    return {
        "operationId": "predict",
        "summary": "What does this image show?",
        "description": "Images up to 64 megapixels: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF. The "
        "contents count, not the name or the type.",
        "parameters": [
            _model(),
            {
                "name": "output",
                "in": "query",
                "description": "`mask` and `cutout` are for models that find an object's pixels: "
                "black and white, or the object on a transparent background, at the image's size.",
                "schema": {"enum": list(OUTPUTS), "default": OUTPUTS[0]},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "image/*": {"schema": _IMAGE},
                "application/octet-stream": {"schema": _IMAGE},
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {"image": _IMAGE}}
                },
            },
        },
        "responses": {
            "200": {
                "description": "The answer",
                "content": {
                    "application/json": {
                        "schema": {
                            "oneOf": [_reference("Classification"), _reference("Segmentation")]
                        }
                    },
                    **_PNG,
                },
            },
            "400": _json("No image, or an output that there is not", "Error"),
            "403": _json("A page of another site asked", "Error"),
            "404": _json("No model has that name", "Error"),
            "408": _json("The image did not arrive in time", "Error"),
            "411": _json("The request does not say how long it is", "Error"),
            "413": _json("The file is too large", "Error"),
            "422": _json("It is no image, or one that cannot be used", "Error"),
            "503": _json("Busy, or the weights are not to be had: try again", "Error"),
        },
    }


def _example() -> dict[str, Any]:
    return {
        "operationId": "example",
        "summary": "An image to try the model with",
        "parameters": [_model()],
        "responses": {
            "200": {
                "description": "Its file; the header X-Credit names its author and license",
                "content": {"image/*": {"schema": _IMAGE}},
            },
            "404": _json("No model has that name", "Error"),
        },
    }


def _schemas() -> dict[str, Any]:
    label = {"type": "string"}
    return {
        "Models": _object(models={"type": "array", "items": _reference("Model")}),
        "Model": {
            "type": "object",
            "required": ["name", "task", "labels", "outputs"],
            "properties": {
                "name": {"enum": zoo.list_models()},
                "task": label,
                "labels": {"type": "array", "items": label},
                "outputs": {"type": "array", "items": {"enum": list(OUTPUTS)}},
            },
        },
        "Classification": _object(
            optional={"is_ood": {"type": "boolean", "description": "It may show none of these"}},
            label=label,
            confidence=_SHARE,
            probabilities={"type": "object", "additionalProperties": _SHARE},
            seconds={"type": "number"},
        ),
        "Segmentation": _object(
            label=label,
            found={"type": "boolean", "description": "False if it is too small or too unsure"},
            area=_SHARE | {"description": "Share of the image that the object covers"},
            confidence=_SHARE | {"description": "Mean probability of the network's own mask"},
            uncertain_area=_SHARE | {"description": "Share where the network is unsure"},
            box={
                "description": "left, top, right, bottom in pixels; null if nothing is found",
                "type": ["array", "null"],
                "items": {"type": "integer"},
                "minItems": 4,
                "maxItems": 4,
            },
            threshold=_SHARE,
            width={"type": "integer"},
            height={"type": "integer"},
            seconds={"type": "number"},
        ),
        "Error": _object(error={"type": "string"}),
    }


def _model() -> dict[str, Any]:
    names = {"enum": zoo.list_models()}
    return {"name": "model", "in": "path", "required": True, "schema": names}


def _object(optional: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties | (optional or {}),
        "additionalProperties": False,
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(schema)}}
    return {"description": description, "content": content}


def _reference(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}
