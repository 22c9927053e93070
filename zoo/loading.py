"""Load a model: files that are checked byte for byte, then a network that fits them strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import devices
from zoo.errors import IntegrityError
from zoo.models import Classifier, Segmenter
from zoo.weights import catalog, sources, tensors
from zoo.weights.schema import check_config, check_record

_TASKS: Mapping[str, type[Classifier] | type[Segmenter]] = {
    "classification": Classifier,
    "segmentation": Segmenter,
}


def load(
    name: str,
    device: str = "auto",
    source: str | Path = "auto",
    revision: str | None = None,
    timeout: float | None = None,
) -> Classifier | Segmenter:
    """Load a model whose files match the catalog, byte for byte.

    Args:
        name: One of :func:`zoo.list_models`.
        device: ``"auto"`` (cuda, then mps, then cpu), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or
            ``"mps"``. On the CPU the digit network runs in NumPy and torch is never imported; see
            :mod:`zoo.devices`. On any other device it runs as its PyTorch twin.
        source: ``"auto"``, ``"bundle"``, ``"hub"``, or a folder; see
            :func:`zoo.weights.sources.resolve`.
        revision: A revision on the Hub, or None for the pinned one.
        timeout: Seconds of silence after which the Hub counts as failed; see
            :func:`zoo.weights.hub.timeout_in_use`.

    Returns:
        What the model's task needs: a :class:`Classifier`, or a :class:`Segmenter`.

    Raises:
        UnknownModelError: No model has that name.
        IntegrityError: A file is missing, damaged, or does not fit the network.
        HubError: ``source="hub"`` and the Hub cannot deliver.
        DeviceError: This machine has no such device.

    Example:
        >>> import zoo
        >>> model = zoo.load("mnist", source="bundle")
        >>> model.predict("zoo/samples/digits/seven.png").label  # doctest: +SKIP
        '7'
    """
    files = sources.resolve(catalog.info(name), source, revision, timeout)
    return _assemble(name, files, device)


def load_folder(name: str, folder: Path, device: str = "auto") -> Classifier | Segmenter:
    """Load a model from its three files, as strictly as `load`, if the catalog does not know it.

    Args:
        name: The model's name, which its ``config.json`` must give too.
        folder: Holds ``model.safetensors``, ``config.json`` and, if it may, ``record.json``.
        device: As for `load`.

    Raises:
        IntegrityError: A file is missing, damaged, or does not fit the network.
        DeviceError: This machine has no such device.
    """
    return _assemble(name, sources.from_folder(folder), device)


def record(
    name: str,
    source: str | Path = "auto",
    revision: str | None = None,
    timeout: float | None = None,
) -> Mapping[str, Any]:
    """Return a model's training record; its network is not built, so torch is not needed.

    Arguments and errors are those of `load`.

    Example:
        >>> import zoo
        >>> zoo.record("mnist", source="bundle")["metrics"]["test"]["n"]  # doctest: +SKIP
        10000
    """
    files = sources.resolve(catalog.info(name), source, revision, timeout)
    return check_record(files.json(catalog.RECORD), f"record.json of {files.source}")


def _assemble(name: str, files: sources.Files, device: str) -> Classifier | Segmenter:
    """Make the model that verified files describe."""
    config = _check_config(files.json(catalog.CONFIG), name, files.source)
    where = devices.choose(device, config["framework"])
    network = _build(config, files)
    network = _place(network, config["framework"], where)
    record = check_record(files.json(catalog.RECORD), f"record.json of {files.source}")
    kind = _TASKS[config["task"]]
    return kind(name, config, record, network, where, files.source, files.notice, files.revision)


def _check_config(config: Mapping[str, Any], name: str, source: str) -> dict[str, Any]:
    checked = check_config(config, f"config.json of {source}")
    if checked["model"] != name:
        raise IntegrityError(
            f"config.json of {source} describes {checked['model']!r}, not {name!r}."
        )
    return checked


def _build(config: Mapping[str, Any], files: sources.Files) -> Any:
    """Build the network that the config describes and give it the weights, strictly."""
    from zoo.networks import build

    try:
        network = build(dict(config))
    except (TypeError, ValueError, KeyError) as error:
        raise IntegrityError(
            f"config.json of {files.source} describes no network that this version can build: "
            f"{error}."
        ) from None
    state = tensors.read_state(
        files.contents[catalog.WEIGHTS],
        config["architecture"],
        network.state_dict(),
        f"{catalog.WEIGHTS} of {files.source}",
    )
    network.load_state_dict(state)
    return network


def _place(network: Any, framework: str, device: str) -> Any:
    if framework == "numpy":
        if device == "cpu":
            return network
        network = network.to_torch()
    return network.to(device).eval()
