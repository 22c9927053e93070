"""Load a model: files that are checked byte for byte, then a network that fits them strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import devices
from zoo.backends import choosing
from zoo.errors import IntegrityError
from zoo.models import Classifier, Segmenter
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights import catalog, sources, tensors
from zoo.weights.schema import check_arguments, check_config, check_record

if TYPE_CHECKING:
    import torch

SMALL, LARGE = 64, 1024**2  # side and pixels of the input that shapes are checked with
_TASKS: Mapping[str, type[Classifier] | type[Segmenter]] = {
    "classification": Classifier,
    "segmentation": Segmenter,
}


def load(
    name: str,
    device: str | torch.device = "auto",
    source: str | Path = "auto",
    revision: str | None = None,
    timeout: float | None = None,
    *,
    backend: str = "auto",
    precision: str = "float32",
) -> Classifier | Segmenter:
    """Load a model whose files match the catalog, byte for byte.

    Args:
        name: One of :func:`zoo.list_models`, or the path of a model folder, such as one that
            ``python -m training.segmentation`` wrote: nothing pins its files. ``ZOO_EXTRA`` gives
            such folders names; see :mod:`zoo.weights.own_models`.
        device: ``"auto"`` (cuda, then mps, then cpu), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or
            ``"mps"``, or a ``torch.device``. On the CPU the digit network runs in NumPy and torch
            is never imported; see :mod:`zoo.devices`. On any other device it runs as its PyTorch
            twin.
        source: ``"auto"``, ``"bundle"``, ``"hub"``, or a folder; see
            :func:`zoo.weights.sources.resolve`.
        revision: A revision on the Hub, or None for the pinned one.
        timeout: Seconds of silence after which the Hub counts as failed; see
            :func:`zoo.weights.hub.timeout_in_use`.
        backend: What computes the answers. ``"auto"``: the network's own framework, NumPy or
            PyTorch; ``"torch"``: PyTorch, for the NumPy network too; ``"onnxruntime"`` or
            ``"openvino"``, on the CPU, if they are installed: ``pip install
            "cnn-lytical[onnx]"``. Same methods, same results, answers equal up to rounding; any
            number of threads may use it, and in a forked process it starts anew.
        precision: ``"float32"``, ``"bfloat16"`` (PyTorch or OpenVINO), or ``"auto"``: bfloat16 on
            the CPU where the processor has instructions for it and the answers are recorded to be
            the same; see :mod:`zoo.backends.choosing`. :mod:`zoo.explain` stays in float32.

    Returns:
        What the model's task needs: a :class:`Classifier`, or a :class:`Segmenter`.

    Raises:
        UnknownModelError: No model has that name.
        IntegrityError: A file is missing, damaged, or does not fit the network.
        HubError: ``source="hub"`` and the Hub cannot deliver.
        DeviceError: This machine has no such device, or the backend does not run on it.
        ZooError: The backend is not installed, or cannot run this model here.

    Example:
        >>> import zoo
        >>> model = zoo.load("mnist", source="bundle")
        >>> model.predict("zoo/samples/digits/seven.png").label  # doctest: +SKIP
        '7'
    """
    choosing.check(backend, precision)
    own = "torch" if backend == "torch" else None
    if (Path(name) / catalog.CONFIG).is_file():
        files = sources.from_folder(Path(name))
        model = _assemble(None, files, device, own)
    else:
        info = catalog.info(name)
        files = sources.resolve(info, source, revision, timeout)
        try:
            model = _assemble(None if info.folder else name, files, device, own)
        except IntegrityError as error:
            files = sources.instead(files, info, source, revision, error)
            model = _assemble(name, files, device, own)
        model.name = name

    def weights() -> str:
        if files.source == "bundle":  # verified against the catalog
            return catalog.info(name).sha256
        return hashlib.sha256(files.contents[catalog.WEIGHTS]).hexdigest()

    if backend != "auto" or precision != "float32":
        choosing.equip(model, backend, precision, weights)
    return model


def load_folder(
    name: str, folder: Path, device: str | torch.device = "auto"
) -> Classifier | Segmenter:
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
    info = catalog.info(name)
    files = sources.resolve(info, source, revision, timeout)
    try:
        return _record(files)
    except IntegrityError as error:
        return _record(sources.instead(files, info, source, revision, error))


def _assemble(
    name: str | None,
    files: sources.Files,
    device: str | torch.device,
    framework: str | None = None,
) -> Classifier | Segmenter:
    """Make the model that verified files describe; all is checked before anything is built.

    Args:
        name: The model's name, None for the one that its config gives.
        files: Verified.
        device: As for `load`.
        framework: What runs it, if not what its config says.
    """
    config = _config(name, files)
    record = _record(files, len(config["labels"]))
    weights = f"{catalog.WEIGHTS} of {files.source}"
    header = tensors.read_header(files.contents[catalog.WEIGHTS], weights)
    framework = framework or config["framework"]
    where = devices.choose(device, framework)
    if framework == "torch" or where != "cpu":
        devices.import_torch()  # only then are there settings to leave aside
    with devices.undisturbed():
        network = _place(_network(config, header, files, weights), framework, where)
    kind = _TASKS[config["task"]]
    notice, revision = files.notice, files.revision
    return kind(config["model"], config, record, network, where, files.source, notice, revision)


def _config(name: str | None, files: sources.Files) -> dict[str, Any]:
    where = f"config.json of {files.source}"
    config = check_config(files.json(catalog.CONFIG), where)
    if name not in (None, config["model"]):
        raise IntegrityError(f"{where} describes {config['model'][:60]!a}, not {name!r}.")
    return config


def _record(files: sources.Files, labels: int = 0) -> dict[str, Any]:
    where = f"record.json of {files.source}"
    return check_record(files.json(catalog.RECORD), where, labels, files.source == "hub")


def _network(
    config: Mapping[str, Any], header: tensors.Header, files: sources.Files, weights: str
) -> Any:
    """Build the network that the config describes, of the file's own numbers and no others."""
    where = f"config.json of {files.source}"
    check_arguments(config["arguments"], header.largest, where)
    if config["framework"] == "numpy":
        network = _empty(config, where)
        tensors.check_fit(header, config["architecture"], network.arrays, weights)
        network.load_state_dict(
            tensors.read_state(files.contents[catalog.WEIGHTS], "numpy", weights)
        )
        return _fitting(network, config, where)
    import torch

    with torch.inference_mode(mode=False):  # what is made in that mode can never be trained
        network = _empty(config, where)
        tensors.check_fit(header, config["architecture"], network.state_dict(), weights)
        state = tensors.read_state(files.contents[catalog.WEIGHTS], "torch", weights)
        network.load_state_dict(state, assign=True)
        _check_shapes(network.eval(), config, where)
        return _fitting(network, config, where)


def _empty(config: Mapping[str, Any], where: str) -> Any:
    from zoo.networks import architecture, build_empty

    try:
        if architecture(config["architecture"]).framework != config["framework"]:
            raise ValueError(f"{config['architecture']} is no {config['framework']} network")
        return build_empty(config)
    except Exception as error:  # somebody else's numbers in a constructor: it may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise IntegrityError(
            f"{where} describes no network that this version can build: {reason}."
        ) from None


def _check_shapes(network: Any, config: Mapping[str, Any], where: str) -> None:
    """Run a network once, on a small input where it may be, and compare shapes.

    Not on the meta device: a convolution there imports torch's compiler, 870 modules and 140 MB.
    """
    import torch

    preprocessing = Preprocessing.from_config(config)
    channels, height, width = preprocessing.input_shape
    if not preprocessing.fixed_size:
        height, width = min(height, SMALL), min(width, SMALL)
    if height * width > LARGE:  # such an input could take all of the memory
        return
    shape = channels, height, width
    try:
        with torch.no_grad():
            found = tuple(network(torch.zeros((1, *shape), dtype=torch.float32)).shape)
    except Exception as error:  # whatever a network's own code raises
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise IntegrityError(
            f"{where} describes an input of {'×'.join(map(str, shape))}, which the network does "
            f"not take: {reason}."
        ) from None
    wanted = (
        (1, len(config["labels"])) if config["task"] == "classification" else (1, 1, *shape[1:])
    )
    if found != wanted:
        raise IntegrityError(f"{where} asks for answers {wanted}, the network gives {found}.")


def _fitting(network: Any, config: Mapping[str, Any], where: str) -> Any:
    """Return the network if the labels and the preprocessing are of its size."""
    found, size = network.arguments, config["preprocessing"]
    pairs = {
        "labels": (found.get("classes"), len(config["labels"])),
        "preprocessing.channels": (found.get("in_channels"), size["channels"]),
        "preprocessing.height": (found.get("size"), size.get("height")),
        "preprocessing.width": (found.get("size"), size.get("width")),
    }
    for key, (wanted, got) in pairs.items():
        if wanted is not None and wanted != got:
            raise IntegrityError(f"{where} gives {got} as {key}, the network has {wanted}.")
    return network


def _place(network: Any, framework: str, device: str) -> Any:
    if framework == "numpy" and device == "cpu":
        return network
    if hasattr(network, "to_torch"):
        network = network.to_torch()
    return network.to(device).eval()
