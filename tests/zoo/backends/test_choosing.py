"""Which backend and which numbers: what is refused, in which words, and what ``auto`` means."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import experiments
from zoo.__main__ import main
from zoo.backends import choosing
from zoo.samples import samples

PHOTO = samples("objects")[0].path


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_missing_package_is_one_sentence_that_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(zoo.ZooError, match=rf"needs the package {name}.* pip install {name}"):
        zoo.load("mnist", source="bundle", backend=name)
    assert main(["predict", "mnist", str(PHOTO), "--backend", name]) == 2
    assert capsys.readouterr().err.startswith(f'error: backend="{name}" needs the package')


def test_unknown_names_are_refused() -> None:
    with pytest.raises(zoo.ZooError, match='no backend \'tensorrt\'; use "auto", "torch", '):
        zoo.load("mnist", backend="tensorrt")
    with pytest.raises(zoo.ZooError, match='no precision \'half\'; use "float32", "bfloat16" or'):
        zoo.load("mnist", precision="half")


def test_bfloat16_is_refused_where_there_is_none() -> None:
    with pytest.raises(zoo.ZooError, match="mnist runs in numpy here, which has no bfloat16"):
        zoo.load("mnist", source="bundle", device="cpu", precision="bfloat16")


def test_backend_torch_runs_the_numpy_network_in_pytorch() -> None:
    own = zoo.load("mnist", source="bundle", device="cpu")
    model = zoo.load("mnist", source="bundle", device="cpu", backend="torch")
    assert (own.backend, model.backend) == ("numpy", "torch")
    inputs = np.random.default_rng(0).standard_normal((4, 1, 28, 28), dtype=np.float32)
    np.testing.assert_allclose(model.logits(inputs), own.logits(inputs), atol=1e-4)


def test_bfloat16_is_near_and_leaves_the_network_in_float32() -> None:
    exact = zoo.load("cifar10", source="bundle", device="cpu")
    model = zoo.load("cifar10", source="bundle", device="cpu", precision="bfloat16")
    assert model.precision == "bfloat16"
    one, two = exact.predict(PHOTO).logits, model.predict(PHOTO).logits
    assert not np.array_equal(one, two)
    np.testing.assert_allclose(one, two, atol=0.1)
    for m in (exact, model):
        assert {p.dtype for p in m.network.parameters()} == {m.network.head.weight.dtype}
    np.testing.assert_array_equal(
        zoo.explain.trace(exact, PHOTO)["head"], zoo.explain.trace(model, PHOTO)["head"]
    )


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of our own: what its processor says it can do."""
    path = tmp_path / "cpuinfo"
    path.write_text("processor: 0\nflags\t\t: fpu avx2 avx512f amx_bf16 avx512_bf16\n")
    monkeypatch.setattr(choosing, "_CPU", path)
    return path


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment of our own that found the object network as good in bfloat16."""
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    path = tmp_path / "reduced_precision.json"
    row = {"model": "cifar10", "weights": zoo.info("cifar10").sha256, "backend": "torch"}
    content = {"question": "?", "finding": "!", "command": "c", "rows": [row | {"holds": True}]}
    path.write_text(json.dumps(content))
    return path


def auto() -> str:
    return zoo.load("cifar10", source="bundle", device="cpu", precision="auto").precision


def test_auto_takes_bfloat16_where_it_pays_and_is_recorded_as_good(
    processor: Path, record: Path
) -> None:
    assert auto() == "bfloat16"


@pytest.mark.usefixtures("record")
def test_auto_stays_in_float32_on_a_processor_without_it(processor: Path) -> None:
    processor.write_text("flags : fpu avx2 avx512f\n")
    assert auto() == "float32"
    processor.unlink()  # not Linux
    assert auto() == "float32"


@pytest.mark.usefixtures("processor")
@pytest.mark.parametrize("change", [{"holds": False}, {"weights": "0" * 64}, {"backend": "x"}])
def test_auto_stays_in_float32_without_a_record_of_these_weights(
    record: Path, change: dict[str, object]
) -> None:
    content = json.loads(record.read_text())
    content["rows"][0] |= change
    record.write_text(json.dumps(content))
    assert auto() == "float32"
    record.write_text("junk")
    assert auto() == "float32"


@pytest.mark.usefixtures("processor", "record")
def test_float32_is_the_default_and_auto_leaves_numpy_alone() -> None:
    assert zoo.load("cifar10", source="bundle", device="cpu").precision == "float32"
    assert zoo.load("mnist", source="bundle", device="cpu", precision="auto").precision == "float32"
