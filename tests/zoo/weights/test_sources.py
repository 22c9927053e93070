import json
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.zoo.conftest import Bundle
from zoo.errors import HubError, IntegrityError, ZooError
from zoo.weights import integrity

FILES = ["model.safetensors", "config.json", "record.json"]


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused(bundle: Bundle, name: str) -> None:
    path = bundle.folder / name
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    with pytest.raises(IntegrityError) as error:
        zoo.load("mnist")
    assert name in str(error.value)
    assert "install the package again" in str(error.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(bundle: Bundle, name: str) -> None:
    (bundle.folder / name).unlink()
    with pytest.raises(IntegrityError, match=rf"{name} is missing; install the package again"):
        zoo.load("mnist")


@pytest.mark.parametrize("change", [b"+", b""])
def test_another_size_is_refused(bundle: Bundle, change: bytes) -> None:
    path = bundle.folder / "record.json"
    contents = path.read_bytes()
    path.write_bytes(contents + change if change else contents[:-1])
    with pytest.raises(IntegrityError, match="bytes that are pinned"):
        zoo.load("mnist")


def test_what_was_hashed_is_what_is_parsed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file changes on the disk right after it was read; the model does not notice."""
    wanted = bundle.state()["linear.weight"]
    read_bytes = integrity.read_bytes

    def read_then_change(path: Path, *arguments: object, **keywords: object) -> bytes:
        contents = read_bytes(path, *arguments, **keywords)  # type: ignore[arg-type]
        path.write_bytes(b"evil")
        return contents

    monkeypatch.setattr(integrity, "read_bytes", read_then_change)
    model = zoo.load("mnist", device="cpu")
    np.testing.assert_array_equal(model.network.state_dict()["linear.weight"], wanted)


def test_a_missing_key_and_an_extra_key_are_named(bundle: Bundle) -> None:
    state = bundle.state()
    state["linear.extra"] = state.pop("linear.weight")
    bundle.write_state(state)
    with pytest.raises(IntegrityError, match=r"missing linear\.weight; .*linear\.extra"):
        zoo.load("mnist")


def test_another_shape_is_refused(bundle: Bundle) -> None:
    state = bundle.state()
    state["linear.bias"] = np.zeros(11, np.float32)
    bundle.write_state(state)
    with pytest.raises(IntegrityError, match=r"linear\.bias is \(11,\) float32"):
        zoo.load("mnist")


def test_another_dtype_is_refused(bundle: Bundle) -> None:
    state = bundle.state()
    state["linear.bias"] = state["linear.bias"].astype(np.float64)
    bundle.write_state(state)
    with pytest.raises(IntegrityError, match=r"linear\.bias is \(10,\) float64"):
        zoo.load("mnist")


def test_weights_for_another_architecture_are_refused(bundle: Bundle) -> None:
    bundle.write_state(bundle.state(), architecture="resnet")
    with pytest.raises(IntegrityError, match="'resnet', its config says 'numpy_cnn'"):
        zoo.load("mnist")


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\x08",
        b"\x80\x04\x95pickle would start so",
        (2**63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (4).to_bytes(8, "little") + b"nope",
    ],
)
def test_what_is_no_safetensors_file_is_refused(bundle: Bundle, contents: bytes) -> None:
    bundle.write("model.safetensors", contents)
    with pytest.raises(IntegrityError, match="not a safetensors file"):
        zoo.load("mnist")


def test_tensors_that_overlap_the_end_are_refused(bundle: Bundle) -> None:
    contents = (bundle.folder / "model.safetensors").read_bytes()
    bundle.write("model.safetensors", contents[:-4])
    with pytest.raises(IntegrityError, match="not a valid safetensors file"):
        zoo.load("mnist")


def test_a_config_without_labels_is_refused(bundle: Bundle) -> None:
    config = bundle.config()
    del config["labels"]
    bundle.write("config.json", json.dumps(config).encode())
    with pytest.raises(IntegrityError, match=r"config\.json of bundle lacks labels"):
        zoo.load("mnist")


@pytest.mark.parametrize("contents", [b"[]", b"{", b"\xff\xfe"])
def test_a_config_that_is_no_json_object_is_refused(bundle: Bundle, contents: bytes) -> None:
    bundle.write("config.json", contents)
    with pytest.raises(IntegrityError, match=r"config\.json"):
        zoo.load("mnist")


def test_a_config_for_an_unknown_network_is_refused(bundle: Bundle) -> None:
    for change in ({"architecture": "vit"}, {"arguments": {"heads": 3}}):
        bundle.write("config.json", json.dumps(bundle.config() | change).encode())
        with pytest.raises(IntegrityError, match="no network that this version can build"):
            zoo.load("mnist")


def test_the_hub_without_a_repo_says_so(bundle: Bundle) -> None:
    with pytest.raises(HubError, match="No Hub repo is configured"):
        zoo.load("mnist", source="hub")
    with pytest.raises(HubError, match="exists only on the Hub"):
        zoo.load("mnist", revision="v1")


def test_a_folder_of_ones_own_loads_with_a_notice(bundle: Bundle, tmp_path: Path) -> None:
    own = tmp_path / "run"
    own.mkdir()
    for path in bundle.folder.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    same = zoo.load("mnist", source=own)
    assert same.source == str(own)
    assert same.notice is None
    bundle.write_state({k: v + 1 for k, v in bundle.state().items()} | _counters(bundle))
    other = zoo.load("mnist", source=str(own))
    assert "not the published" in (other.notice or "")


def test_a_folder_that_does_not_exist_is_one_sentence(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="There is no folder"):
        zoo.load("mnist", source=tmp_path / "nowhere")


def _counters(bundle: Bundle) -> dict[str, np.ndarray]:
    return {k: v for k, v in bundle.state().items() if v.dtype != np.float32}
