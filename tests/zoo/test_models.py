import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import zoo
from tests.zoo.conftest import Bundle
from zoo.errors import DeviceError, ImageError, ZooError
from zoo.functions import softmax
from zoo.results import Classification


@pytest.fixture
def model(bundle: Bundle) -> zoo.Classifier:
    return zoo.load("mnist", device="cpu")


def test_a_loaded_model_says_what_it_is(model: zoo.Classifier) -> None:
    assert (model.name, model.device, model.source, model.notice) == (
        "mnist",
        "cpu",
        "bundle",
        None,
    )
    assert model.record == {"seed": 7}
    assert model.labels == tuple("0123456789")


def test_predict_is_the_network_on_the_prepared_image(
    model: zoo.Classifier, digit: np.ndarray
) -> None:
    answer = model.predict(digit)
    logits = model.network.forward(model.preprocess(digit)[None], training=False)[0]
    np.testing.assert_allclose(answer.logits, logits, rtol=1e-5)
    np.testing.assert_allclose(answer.probabilities, softmax(logits), rtol=1e-5)
    assert answer.probabilities.dtype == np.float32
    assert answer.seconds > 0


def test_preprocess_normalizes_the_view(model: zoo.Classifier, digit: np.ndarray) -> None:
    view = model.model_input_image(digit)
    inputs = model.preprocess(digit)
    assert inputs.shape == (1, 28, 28)
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs[0] * 0.3081 + 0.1307, view / 255, atol=1e-6)


def test_a_batch_is_the_same_as_one_by_one(model: zoo.Classifier, digit: np.ndarray) -> None:
    images = [digit, np.flipud(digit), digit[:, ::-1]]
    batch = model.predict_batch(images)
    for one, together in zip(map(model.predict, images), batch, strict=True):
        np.testing.assert_allclose(one.logits, together.logits, atol=1e-5)
    assert model.predict_batch([]) == []
    assert len(model.predict_batch(np.stack(images))) == 3


def test_a_bad_image_is_an_image_error(model: zoo.Classifier) -> None:
    with pytest.raises(ImageError, match="Nothing is drawn yet"):
        model.predict(np.full((280, 280, 3), 255, np.uint8))


def test_an_unknown_device_is_one_sentence(bundle: Bundle) -> None:
    with pytest.raises(DeviceError, match="There is no device 'tpu'"):
        zoo.load("mnist", device="tpu")


def test_a_missing_gpu_is_one_sentence(bundle: Bundle) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(DeviceError, match="This machine has no device 'cuda:99'"):
        zoo.load("mnist", device="cuda:99")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="no device 'cuda'"):
            zoo.load("mnist", device="cuda")


def test_the_pytorch_twin_gives_the_same_answer(model: zoo.Classifier, digit: np.ndarray) -> None:
    pytest.importorskip("torch")
    twin = zoo.Classifier("mnist", model.config, {}, model.network.to_torch().eval())
    np.testing.assert_allclose(twin.predict(digit).logits, model.predict(digit).logits, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape"), [("cifar10", (2, 3, 32, 32)), ("carvana", (1, 3, 50, 70))]
)
def test_the_faster_copy_answers_as_the_network_does(name: str, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    model = zoo.load(name, device="cpu", source="bundle")
    inputs = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    with torch.inference_mode():
        expected = model.network(torch.from_numpy(inputs)).numpy()
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in model.network.modules())
    np.testing.assert_allclose(model.logits(inputs), expected, atol=1e-3, rtol=1e-3)


def test_a_network_that_cannot_be_folded_answers_all_the_same() -> None:
    torch = pytest.importorskip("torch")
    from zoo.graph.folding import fold

    class Twice(torch.nn.Module):
        """Uses its convolution's weights a second time, which no run shows."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 10, 3)
            self.norm = torch.nn.BatchNorm2d(10)

        def forward(self, x: Any) -> Any:
            x = self.conv(x)
            return self.norm(x).mean(dim=(2, 3)) + self.conv.weight.sum()

    config = zoo.load("cifar10", device="cpu", source="bundle").config
    network = Twice()
    network.norm.running_var += 3  # or the BatchNorm would change hardly anything
    model = zoo.Classifier("cifar10", config, {}, network.eval())
    inputs = np.random.default_rng(0).standard_normal((2, 3, 32, 32), dtype=np.float32)
    with pytest.raises(ZooError, match="cannot be folded"):
        fold(network, inputs)
    with torch.inference_mode():
        expected = network(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(model.logits(inputs), expected, atol=1e-5)


def test_the_numpy_path_imports_no_torch() -> None:
    code = (
        "import sys, zoo, numpy as np; light = set(sys.modules);"
        "assert not light & {'torch', 'streamlit', 'scipy'}, light;"
        "m = zoo.load('mnist', device='cpu', source='bundle');"
        "a = np.zeros((99, 99), np.uint8); a[20:80, 45:50] = 255; m.predict(a);"
        "zoo.explain.activations(m, a); zoo.explain.occlusion(m, a);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_auto_does_not_look_for_a_gpu_without_a_driver(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from pathlib import Path

    from zoo import devices

    monkeypatch.setattr(devices, "_NVIDIA_DRIVER", Path(str(tmp_path)) / "no-driver")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(devices, "_best", lambda: pytest.fail("looked for a GPU"))
    assert zoo.load("mnist").device == "cpu"


def test_top_is_sorted_and_the_result_is_plain_json() -> None:
    logits = np.array([0.0, 3.0, 1.0], np.float32)
    answer = Classification(("a", "b", "c"), softmax(logits), logits, 0.01)
    assert [label for label, _ in answer.top(2)] == ["b", "c"]
    assert answer.label == "b"
    assert answer.confidence == pytest.approx(answer.top(1)[0][1])
    assert sum(answer.to_dict()["probabilities"].values()) == pytest.approx(1)


def test_softmax_survives_large_logits() -> None:
    result = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]], np.float32))
    np.testing.assert_allclose(result, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize(("threshold", "is_ood"), [(None, False), (0.5, False), (0.7, True)])
def test_a_low_confidence_may_mean_none_of_the_classes(
    threshold: float | None, is_ood: bool
) -> None:
    logits = np.log(np.array([0.3, 0.6, 0.1], np.float32))
    answer = Classification(("a", "b", "c"), softmax(logits), logits, 0.01, threshold)
    assert answer.is_ood is is_ood
    assert answer.to_dict().get("is_ood") == (is_ood if threshold else None)


def test_the_outsider_threshold_comes_from_the_config(bundle: Bundle, digit: np.ndarray) -> None:
    assert zoo.load("mnist").predict(digit).ood_threshold is None
    config = bundle.config() | {"ood_threshold": 1.0}
    bundle.write("config.json", json.dumps(config).encode())
    assert zoo.load("mnist").predict(digit).is_ood


def test_a_record_needs_no_network(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.loading._network", lambda *_: pytest.fail("built a network"))
    assert zoo.record("mnist") == {"seed": 7}
    with pytest.raises(zoo.UnknownModelError):
        zoo.record("mnits")
