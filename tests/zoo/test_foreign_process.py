"""The zoo inside somebody else's process: forks, default dtypes, modes, threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo import devices, explain
from zoo.errors import DeviceError
from zoo.networks.cifar_net import CifarNet
from zoo.samples import samples

ROOT = Path(__file__).resolve().parent.parent.parent
PHOTO = samples("objects")[0].path

FORK = """
import os, sys
import zoo
from zoo.samples import samples
name, kind, times = sys.argv[1:]
model = zoo.load(name, source="bundle", device="cpu")
many = [s.path for s in samples(kind)] * int(times)
expected = [a.label for a in model.predict_batch(many)]  # starts the threads
child = os.fork()
if not child:
    os._exit(0 if [a.label for a in model.predict_batch(many)] == expected else 1)
import signal
signal.alarm(120)  # a child that hangs fails the test, and does not outlive it
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
@pytest.mark.parametrize(
    ("name", "kind", "times"), [("mnist", "digits", "20"), ("cifar10", "objects", "3")]
)
def test_a_model_that_was_used_before_a_fork_works_in_the_child(
    name: str, kind: str, times: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, name, kind, times],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
        timeout=200,
    )
    assert done.returncode == 0


@pytest.fixture(scope="module")
def model() -> zoo.Classifier:
    """A tiny one of the object network's kind."""
    torch.manual_seed(0)
    size = {"kind": "crop", "channels": 3, "height": 32, "width": 32}
    size |= {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.3, 0.2]}
    config = {"preprocessing": size, "labels": list("abcdefghij")}
    return zoo.Classifier("tiny", config, {}, CifarNet(widths=(4, 8, 8), depth=3))


def test_a_fork_of_a_process_that_uses_the_gpu_is_told_what_works(
    model: zoo.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(DeviceError, match="spawn"):
        zoo.load("cifar10", source="bundle", device="cuda")
    assert zoo.load("cifar10", source="bundle").device == "cpu"
    monkeypatch.setattr(model, "device", "cuda")
    with pytest.raises(DeviceError, match="spawn"):
        model.predict(PHOTO)


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


ASKS: dict[str, Callable[[Any], np.ndarray]] = {
    "predict": lambda m: m.predict(PHOTO).logits,
    "trace": lambda m: explain.trace(m, PHOTO)["head"],
    "grad_cam": lambda m: explain.grad_cam(m, PHOTO, 3),
    "integrated_gradients": lambda m: explain.integrated_gradients(m, PHOTO, 3, steps=4),
    "occlusion": lambda m: explain.occlusion(m, PHOTO, 3, patch=16, stride=16),
    "maximize": lambda m: explain.maximize_activation(m, "block1.conv2", 0, (32, 32), steps=2),
    "field": lambda m: np.array(
        [explain.receptive_field_by_gradient(m, PHOTO, "block1.conv2", 4, 4).bottom]
    ),
    "ablate": lambda m: explain.ablate_skips(m, PHOTO, ["block1.add"]),
    "randomized": lambda m: explain.randomized(m).predict(PHOTO).logits,
    "arithmetic": lambda m: np.array(
        [s.value for s in explain.arithmetic(explain.trace(m, PHOTO), "block1.act1", 0, 2, 2)]
    ),
}


@pytest.fixture(scope="module")
def expected(model: zoo.Classifier) -> dict[str, np.ndarray]:
    return {name: ask(model) for name, ask in ASKS.items()}


MODES: dict[str, Callable[[], Any]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "meta by default": lambda: torch.device("meta"),
}


@pytest.mark.parametrize("mode", MODES)
def test_answers_do_not_depend_on_the_callers_mode(
    model: zoo.Classifier, expected: dict[str, np.ndarray], mode: str
) -> None:
    with MODES[mode]():
        inside = {name: ask(model) for name, ask in ASKS.items()}
    for name, found in inside.items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-4, atol=1e-4, err_msg=name)


LOADED = ("predict", "grad_cam")


@pytest.fixture(scope="module")
def expected_of_loaded() -> dict[str, np.ndarray]:
    loaded = zoo.load("cifar10", source="bundle", device="cpu")
    return {name: ASKS[name](loaded) for name in LOADED}


@pytest.mark.parametrize("mode", MODES)
def test_a_model_may_be_loaded_in_any_mode(
    expected_of_loaded: dict[str, np.ndarray], mode: str
) -> None:
    with MODES[mode]():
        loaded = zoo.load("cifar10", source="bundle", device="cpu")
    for name, found in expected_of_loaded.items():
        np.testing.assert_allclose(ASKS[name](loaded), found, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("float64_by_default")
def test_answers_do_not_depend_on_the_default_dtype(
    model: zoo.Classifier,
    expected: dict[str, np.ndarray],
    expected_of_loaded: dict[str, np.ndarray],
) -> None:
    for name, ask in ASKS.items():
        if name != "randomized":  # numbers of another type are other random numbers
            np.testing.assert_allclose(ask(model), expected[name], rtol=1e-4, atol=1e-4)
    for name in ("cifar10", "mnist", "carvana"):
        loaded = zoo.load(name, source="bundle", device="cpu")
        if name == "cifar10":
            found = loaded.predict(PHOTO).logits
            np.testing.assert_allclose(found, expected_of_loaded["predict"], rtol=1e-4, atol=1e-4)


def test_a_network_made_under_inference_mode_has_gradients() -> None:
    with torch.inference_mode():
        network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten())
    inputs = np.ones((3, 8, 8), np.float32)
    assert np.abs(explain.integrated_gradients(network, inputs, 0, steps=2)).max() > 0
    assert explain.maximize_activation(network, "0", 0, (8, 8), steps=1).shape == (8, 8, 3)


def test_many_threads_get_the_answers_of_one(
    model: zoo.Classifier, expected: dict[str, np.ndarray]
) -> None:
    wrong: list[str] = []

    def work() -> None:
        for name in ("predict", "trace", "grad_cam", "arithmetic"):
            if not np.allclose(ASKS[name](model), expected[name], rtol=1e-4, atol=1e-4):
                wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_device_may_be_torchs_own(name: str) -> None:
    for device in (torch.device("cpu"), torch.device("cpu", 0), "cpu:0"):
        assert zoo.load(name, source="bundle", device=device).device == "cpu"
    with pytest.raises(DeviceError, match="There is no device"):
        zoo.load(name, source="bundle", device=torch.device("meta"))
    with pytest.raises(DeviceError, match="This machine has no device 'cpu:3'"):
        zoo.load(name, source="bundle", device="cpu:3")


SPINNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
WAITING = """
import os, sys
import zoo
zoo.load("mnist", source="bundle", device="cpu")
print("GOMP_SPINCOUNT" in os.environ, "torch" in sys.modules)
zoo.load("mnist", source="bundle", device="cpu", backend="torch")
print(os.environ.get("GOMP_SPINCOUNT"), os.environ.get("OMP_WAIT_POLICY"))
"""


def test_torchs_threads_wait_without_spinning() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in SPINNING}
    done = subprocess.run(
        [sys.executable, "-c", WAITING], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    before, after = done.stdout.splitlines()
    assert before == "False False"  # torch is not imported: nothing is set
    assert after == "1000 None"


@pytest.mark.parametrize("own", SPINNING)
def test_unless_the_user_says_how(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SPINNING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(own, "7")
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not imported, nor to be had
    with pytest.raises(ImportError):
        devices.import_torch()
    assert {name: os.environ.get(name) for name in SPINNING if name in os.environ} == {own: "7"}
