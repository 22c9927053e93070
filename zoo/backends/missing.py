"""Packages that are only needed by those who ask for what they do."""

from __future__ import annotations

from importlib.util import find_spec

from zoo.errors import ZooError

EXTRA = "onnx"  # of pyproject.toml, which brings all of them


def needed(package: str, what: str) -> None:
    """Raise a :class:`ZooError` that says what to install, unless a package is there.

    Args:
        package: Its name to Python and to pip, which are the same for these.
        what: What needs it, ``'backend="openvino"'``.
    """
    if find_spec(package) is None:
        raise ZooError(
            f"{what} needs the package {package}, which is not installed here: "
            f'pip install {package}, or pip install "cnn-lytical[{EXTRA}]".'
        )
