"""Files whose hashes fit and whose content is nonsense: one sentence that names the key."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import zoo
from tests.hub import tiny
from tests.zoo.conftest import Bundle
from zoo.errors import IntegrityError
from zoo.weights.schema import check_record
from zoo.weights.tensors import read_header, read_state

DEEP = "[" * 100_000 + "]" * 100_000
HALF = "\ud800"  # half of a surrogate pair: no terminal prints it
DELETE = object()

# Path in config.json, value, what the sentence names.
CONFIG: list[tuple[str, Any, str]] = [
    ("format", True, "format"),
    ("format", [2], "format"),
    ("format", DELETE, "format"),
    ("model", ["mnist"], "model"),
    ("model", "cifar10", "describes 'cifar10'"),
    ("task", ["classification"], "task"),
    ("task", {}, "task"),
    ("task", "detection", "task"),
    ("framework", 5, "framework"),
    ("framework", "torch", "numpy_cnn is no torch network"),
    ("architecture", {}, "architecture"),
    ("architecture", "vit", "'vit'"),
    ("arguments", None, "arguments"),
    ("arguments", [1, 2], "arguments"),
    ("arguments.channels", 7, "no network that this version can build"),
    ("arguments.channels", [4_000_000, 4_000_000], r"arguments\.channels\[0\]"),  # 65 TB
    ("arguments.channels", [16_000, 16_000], r"arguments\.channels\[0\]"),
    ("arguments.channels", [-5, 4], "no network that this version can build"),
    ("arguments.channels", [2.5, 4], "no network that this version can build"),
    ("arguments.channels", ["2", 4], "no network that this version can build"),
    ("arguments.channels", [2] * 300, r"arguments\.channels"),
    ("arguments.channels", [2, 4] * 60, "shrink"),
    ("arguments.size", 10**15, r"arguments\.size"),
    ("arguments.size", -5, "no network that this version can build"),
    ("arguments.classes", float("inf"), "Infinity"),
    ("arguments.dropout", float("nan"), "NaN"),
    ("arguments.dtype", "object", "no network that this version can build|does not fit"),
    ("arguments.seed", 1e300, r"arguments\.seed"),
    ("labels", "0123456789", "labels"),
    ("labels", [], "labels"),
    ("labels", list(range(10)), r"labels\[0\]"),
    ("labels", ["0", "1"], "labels"),
    ("labels", [HALF] * 10, "labels"),
    ("ood_threshold", "0.5", "ood_threshold"),
    ("ood_threshold", 10**400, "ood_threshold"),
    ("title", {"en": "Digits"}, "title"),
    ("limitations", ["none"], "limitations"),
    ("data", "MNIST", "data"),
    ("data.name", 5, r"data\.name"),
    ("extra", HALF, "extra"),
    ("preprocessing", [], "preprocessing"),
    ("preprocessing.kind", None, r"preprocessing\.kind"),
    ("preprocessing.channels", 3, "preprocessing"),
    ("preprocessing.channels", 1.0, r"preprocessing\.channels"),
    ("preprocessing.height", 10**15, r"preprocessing\.height"),
    ("preprocessing.height", -5, r"preprocessing\.height"),
    ("preprocessing.width", "28", r"preprocessing\.width"),
    ("preprocessing.mean", 0.5, r"preprocessing\.mean"),
    ("preprocessing.mean", ["0.5"], r"preprocessing\.mean\[0\]"),
    ("preprocessing.mean", [0.5, 0.5], r"preprocessing\.mean"),
    ("preprocessing.std", [0], r"preprocessing\.std\[0\]"),
    ("preprocessing.std", [1e-300], r"preprocessing\.std\[0\]"),
    ("preprocessing.std", DELETE, r"preprocessing\.std"),
    ("preprocessing.rotate", 90, r"preprocessing\.rotate"),
]

RECORD: list[tuple[str, Any, str]] = [
    ("metrics", [], "metrics"),
    ("metrics.test", None, r"metrics\.test"),
    ("metrics.test.n", -5, r"metrics\.test\.n"),
    ("metrics.test.n", DELETE, r"metrics\.test\.n"),
    ("metrics.test.accuracy", "0.99", r"metrics\.test\.accuracy"),
    ("metrics.test.accuracy", DELETE, r"metrics\.test\.accuracy"),
    ("metrics.test.accuracy", 99.6, r"metrics\.test\.accuracy"),
    ("history", {}, "history"),
    ("history", [5], r"history\[0\]"),
    ("history", [{"epoch": None}], r"history\[0\]\.epoch"),
    ("history", [{"epoch": 1, "train": [1]}], r"history\[0\]\.train"),
    ("history", [{"epoch": 1, "train": {"loss": "low"}}], r"train\.loss"),
    ("train_seconds", "long", "train_seconds"),
    ("train_seconds", -1, "train_seconds"),
    ("train_seconds", 10**400, "train_seconds"),
    ("hardware", "a laptop", "hardware"),
    ("hardware.cpu", DELETE, r"hardware\.cpu"),
    ("command", None, "command"),
    ("seed", "0", "seed"),
    ("selection", 3, "selection"),
    ("recipe", [], "recipe"),
    ("seeds", [[1, 2]], r"seeds\[0\]"),
    ("init_from", {"init_from": {"init_from": 5}}, r"init_from\.init_from\.init_from"),
    ("init_from", {"epochs": "3"}, r"init_from\.epochs"),
    ("parts", [{"first": 1}], r"parts\[0\]\.last"),
    ("resumed", [{"compute": {"processes": "two"}}], r"resumed\[0\]\.compute\.processes"),
    ("calibration", {"temperature": 0}, "calibration"),
    ("ood", {"threshold": 2}, "ood"),
    ("confusion", [[1, 2], [3]], "confusion"),
    ("confusion", [[0] * 10] * 10, "confusion"),
    ("confident_errors", [{"index": 1, "true": 11, "predicted": 0, "probability": 1}], "no label"),
    ("error_examples", [{"index": 1, "true": 11, "predicted": 0, "probability": 1}], "no label"),
    ("reliability", {"split": "test", "n": 1, "after": {"ece": 2, "bins": []}}, "ece"),
    ("notes", HALF, "notes"),
]  # fmt: skip


def header(**changes: Any) -> dict[str, Any]:
    """A tensor's entry in a safetensors header: 4 numbers, and what is changed."""
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes


HEADERS: list[Any] = [
    [],
    {"__metadata__": []},
    {"__metadata__": {"architecture": 5}},
    {"__metadata__": {"architecture": {"name": "numpy_cnn"}}},
    {"a": 5},
    {"a": header(shape=[10**15])},
    {"a": header(shape=[-5])},
    {"a": header(shape=[10**15, 0], data_offsets=[0, 0])},
    {"a": header(shape=["4"])},
    {"a": header(shape=4)},
    {"a": header(shape=[1] * 100_000)},
    {"a": header(dtype="F128")},
    {"a": header(dtype=["F32"])},
    {"a": header(dtype="F64")},
    {"a": header(data_offsets=[0, 10**15])},
    {"a": header(data_offsets=[-16, 0])},
    {"a": header(data_offsets=[16, 0])},
    {"a": header(data_offsets=[0])},
    {"a": header(data_offsets=None)},
    {"a": header(data_offsets=[0.0, 16.0])},
    {HALF: header()},
]


def changed(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The same content with another value at a path."""
    content = copy.deepcopy(content)
    *parents, last = path.split(".")
    inside = content
    for name in parents:
        inside = inside.setdefault(name, {})
    if value is DELETE:
        del inside[last]
    else:
        inside[last] = value
    return content


def refused(bundle: Bundle, name: str, contents: bytes, names: str) -> None:
    """The load ends in one printable line that says what is wrong."""
    bundle.write(name, contents)
    with pytest.raises(IntegrityError) as error:
        zoo.load("mnist", device="cpu")
    sentence = str(error.value)
    sentence.encode()
    assert "\n" not in sentence
    assert len(sentence) < 600
    assert re.search(names, sentence), sentence


@pytest.mark.parametrize(("path", "value", "names"), CONFIG)
def test_a_config(bundle: Bundle, path: str, value: Any, names: str) -> None:
    text = json.dumps(changed(bundle.config(), path, value))
    refused(bundle, "config.json", text.encode(), names)


@pytest.mark.parametrize(("path", "value", "names"), RECORD)
def test_a_record(path: str, value: Any, names: str) -> None:
    """A record from the Hub must have all that the pages show."""
    whole = json.loads(tiny.model_files()["record.json"])
    assert check_record(whole, "record.json", 10, complete=True) == whole
    with pytest.raises(IntegrityError, match=names) as error:
        check_record(changed(whole, path, value), "record.json", 10, complete=True)
    str(error.value).encode()


@pytest.mark.parametrize("name", ["config.json", "record.json"])
@pytest.mark.parametrize("text", [DEEP, '{"a": ' + DEEP + "}", '{"a": 1e999}', "5", "null", "NaN"])
def test_text_that_is_no_usable_object(bundle: Bundle, name: str, text: str) -> None:
    refused(bundle, name, text.encode(), re.escape(name))


@pytest.mark.parametrize("content", HEADERS)
def test_a_header(bundle: Bundle, content: Any) -> None:
    text = json.dumps(content).encode()
    contents = len(text).to_bytes(8, "little") + text + bytes(16)
    refused(bundle, "model.safetensors", contents, r"model\.safetensors of bundle")


def test_a_header_that_is_nested_too_deep(bundle: Bundle) -> None:
    contents = len(DEEP).to_bytes(8, "little") + DEEP.encode()
    refused(bundle, "model.safetensors", contents, "nested too deep")


@pytest.fixture
def objects(bundle: Bundle) -> Bundle:
    """The same with a tiny torch network, under the same name."""
    files = tiny.object_files()
    config = json.loads(files["config.json"]) | {"model": "mnist"}
    bundle.write("config.json", json.dumps(config).encode())
    bundle.write("model.safetensors", files["model.safetensors"])
    return bundle


@pytest.mark.parametrize(
    ("path", "value", "names"),
    [
        ("arguments.widths", [2_000_000] * 3, r"arguments\.widths\[0\]"),
        ("arguments.widths", [1000] * 3, "does not fit cifar"),
        ("arguments.widths", [0, 16, 16], "does not fit|no network"),
        ("arguments.widths", [-8, 16, 16], "no network that this version can build"),
        ("arguments.widths", "big", "no network that this version can build"),
        ("arguments.depth", 10**15, r"arguments\.depth"),
        ("arguments.classes", 1000, "does not fit cifar"),
        ("arguments.heads", 3, "no network that this version can build"),
        ("framework", "numpy", "cifar is no numpy network"),
        ("architecture", "unet", "no network that this version can build"),
        ("preprocessing.channels", 1, r"preprocessing\.mean"),
        ("task", "segmentation", "threshold"),
    ],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_config_of_a_torch_network(objects: Bundle, path: str, value: Any, names: str) -> None:
    config = json.loads((objects.folder / "config.json").read_bytes())
    assert zoo.load("mnist", device="cpu").network.arguments["widths"] == [8, 16, 16]
    refused(objects, "config.json", json.dumps(changed(config, path, value)).encode(), names)


def test_loading_draws_no_random_weights(
    bundle: Bundle, objects: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither framework's random state moves, and what is trained goes on being trainable."""
    import torch

    before = torch.get_rng_state()
    with torch.inference_mode():
        network = zoo.load("mnist", device="cpu").network
    assert torch.equal(before, torch.get_rng_state())
    assert not any(value.is_meta or value.is_inference() for value in network.state_dict().values())
    network(torch.zeros(1, 3, 32, 32)).sum().backward()
    assert network.head.weight.grad is not None
    monkeypatch.setattr(np.random, "default_rng", lambda *_: pytest.fail("drew numbers"))
    bundle.write("config.json", json.dumps(bundle.config()).encode())
    arrays = {
        "conv1.weight": np.ones((2, 1, 5, 5), np.float32),
        "conv2.weight": np.ones((4, 2, 3, 3), np.float32),
        "linear.weight": np.ones((10, 144), np.float32),
        "linear.bias": np.ones(10, np.float32),
    }
    for number, width in ((1, 2), (2, 4)):
        for name in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"bn{number}.{name}"] = np.ones(width, np.float32)
        arrays[f"bn{number}.num_batches_tracked"] = np.array(1)
    bundle.write("model.safetensors", save(arrays, {"architecture": "numpy_cnn"}))
    np.testing.assert_array_equal(
        zoo.load("mnist", device="cpu").network.arrays["linear.bias"], np.ones(10)
    )


def test_another_default_dtype_changes_nothing(objects: Bundle) -> None:
    import torch

    torch.set_default_dtype(torch.float64)
    try:
        network = zoo.load("mnist", device="cpu").network
    finally:
        torch.set_default_dtype(torch.float32)
    assert network.head.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "entries",
    [
        {"a": header(), "b": header()},  # in the same place
        {"a": header(), "b": header(data_offsets=[20, 36])},  # with a gap
        {"a": header(), "b": header(data_offsets=[12, 28])},  # one ends in the other
        {"a": header()},  # with something behind it
    ],
)
def test_tensors_that_overlap_or_leave_a_gap_are_refused(entries: dict[str, Any]) -> None:
    text = json.dumps(entries).encode()
    contents = len(text).to_bytes(8, "little") + text + bytes(36)
    with pytest.raises(zoo.IntegrityError, match=r"overlap or leave a gap|after its tensors"):
        read_header(contents, "a file")


@pytest.mark.parametrize("pad", range(8))
def test_a_header_of_any_length_gives_the_same_numbers(pad: int) -> None:
    """Ours are multiples of eight; of others the numbers do not lie where they could be used."""
    wanted = {"a": np.arange(3, dtype=np.float32), "b": np.arange(2, dtype=np.int64)}
    saved = save(wanted)
    length = int.from_bytes(saved[:8], "little")
    text = saved[8 : 8 + length] + b" " * pad
    contents = len(text).to_bytes(8, "little") + text + saved[8 + length :]
    read = read_header(contents, "a file")
    for framework in ("numpy", "torch"):
        memory = memoryview(bytearray(contents))
        found = read_state(memory, read, framework, "a file")
        for name, values in wanted.items():
            np.testing.assert_array_equal(np.asarray(found[name]), values)
            found[name][0] = 7  # it can be trained
