"""Load a model: files that are checked byte for byte, then a network that fits them strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from zoo import devices, networks
from zoo.backends import choosing
from zoo.errors import IntegrityError
from zoo.models import Classifier, Segmenter
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights import catalog, sources, tensors
from zoo.weights.schema import FORMAT, check_arguments, check_config, check_record

if TYPE_CHECKING:
    import torch

Built = TypeVar("Built")
KEPT = 16  # files of which is kept that they are faultless
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
        sha256 = _sha256(files, name, precision)
        model = _assemble(None, files, device, own)
    else:
        info = catalog.info(name)
        files = sources.resolve(info, source, revision, timeout)
        sha256 = _sha256(files, name, precision)
        try:
            model = _assemble(None if info.folder else name, files, device, own)
        except IntegrityError as error:
            files = sources.instead(files, info, source, revision, error)
            sha256 = _sha256(files, name, precision)
            model = _assemble(name, files, device, own)
        model.name = name
    if backend != "auto" or precision != "float32":
        choosing.equip(model, backend, precision, sha256)
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


def _sha256(files: sources.Files, name: str, precision: str) -> str:
    """Return the SHA-256 of the weights, if that decides about the precision; else ""."""
    if precision != "auto":
        return ""
    if files.source == "bundle":  # verified against the catalog
        return catalog.info(name).sha256
    return hashlib.sha256(files.contents[catalog.WEIGHTS]).hexdigest()


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
    config = _checked(files, catalog.CONFIG, check_config, where)
    if name not in (None, config["model"]):
        raise IntegrityError(f"{where} describes {config['model'][:60]!a}, not {name!r}.")
    return config


def _record(files: sources.Files, labels: int = 0) -> dict[str, Any]:
    where = f"record.json of {files.source}"
    return _checked(files, catalog.RECORD, check_record, where, labels, files.source == "hub")


_faultless: dict[tuple[Any, ...], None] = {}  # contents, and what they were checked by


def _checked(
    files: sources.Files, name: str, check: Callable[..., dict[str, Any]], where: str, *more: Any
) -> dict[str, Any]:
    """Parse a JSON file and check it; what is the same bytes as one before was checked then."""
    content = files.json(name)
    key = (files.contents[name], check, more)
    if key in _faultless:
        return content
    found = check(content, where, *more)
    if content.get("format") == FORMAT:  # else the check has made another one of it
        if len(_faultless) >= KEPT:
            _faultless.clear()
        _faultless[key] = None
    return found


def _network(
    config: Mapping[str, Any], header: tensors.Header, files: sources.Files, weights: str
) -> Any:
    """Build the network that the config describes, of the file's own numbers and no others."""
    where = f"config.json of {files.source}"
    check_arguments(config["arguments"], header.largest, where)
    name, framework = config["architecture"], config["framework"]
    if framework == "numpy":
        network = _built(config, where, networks.build_empty)
        tensors.check_fit(header, name, network.arrays, weights)
        contents = files.hand_over(catalog.WEIGHTS)
        network.load_state_dict(tensors.read_state(contents, header, framework, weights))
        return _fitting(network, config, where)
    import torch

    with torch.inference_mode(mode=False):  # what is made in that mode can never be trained
        scaffold = _built(config, where, networks.scaffold_of)
        tensors.check_fit(header, name, scaffold.state, weights)
        contents = files.hand_over(catalog.WEIGHTS)
        network = scaffold.filled(tensors.read_state(contents, header, framework, weights))
        _check_shapes(network, config, where, scaffold.answers)
        return _fitting(network, config, where)


def _built(
    config: Mapping[str, Any], where: str, build: Callable[[Mapping[str, Any]], Built]
) -> Built:
    """Return what ``build`` makes of a config: the empty network, or its scaffold."""
    try:
        if networks.architecture(config["architecture"]).framework != config["framework"]:
            raise ValueError(f"{config['architecture']} is no {config['framework']} network")
        return build(config)
    except Exception as error:  # somebody else's numbers in a constructor: it may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise IntegrityError(
            f"{where} describes no network that this version can build: {reason}."
        ) from None


def _check_shapes(
    network: Any,
    config: Mapping[str, Any],
    where: str,
    known: dict[tuple[int, ...], tuple[int, ...]],
) -> None:
    """Run a network once, on a small input where it may be, and compare shapes.

    Not on the meta device: a convolution there imports torch's compiler, 870 modules and 140 MB.

    Args:
        known: Shapes of answers by those of inputs, of all networks of this structure: they do not
            depend on the weights.
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
        if shape not in known:
            with torch.no_grad():
                known[shape] = tuple(network(torch.zeros((1, *shape), dtype=torch.float32)).shape)
    except Exception as error:  # whatever a network's own code raises
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise IntegrityError(
            f"{where} describes an input of {'×'.join(map(str, shape))}, which the network does "
            f"not take: {reason}."
        ) from None
    wanted = (
        (1, len(config["labels"])) if config["task"] == "classification" else (1, 1, *shape[1:])
    )
    if known[shape] != wanted:
        raise IntegrityError(
            f"{where} asks for answers {wanted}, the network gives {known[shape]}."
        )


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
        network = network.to_torch().eval()
    return network if device == "cpu" else network.to(device)
