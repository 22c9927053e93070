"""ONNX Runtime and OpenVINO behind ``zoo.load``: same methods, results and errors as PyTorch."""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.samples import samples

ROOT = Path(__file__).resolve().parents[3]
ENGINES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            find_spec(name) is None or find_spec("onnx") is None, reason=f"{name} is not installed"
        ),
    )
    for name in ("onnxruntime", "openvino")
]
MODELS = ("mnist", "cifar10", "carvana")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_answers_as_in_its_own_framework(name: str, engine: str) -> None:
    own = zoo.load(name, source="bundle", device="cpu")
    model = zoo.load(name, source="bundle", backend=engine)
    assert (model.backend, model.precision, model.device) == (engine, "float32", "cpu")
    paths = [sample.path for sample in samples(zoo.info(name).samples)[:3]]
    both = zip(own.predict_batch(paths), model.predict_batch(paths), strict=True)
    for wanted, found in both:
        assert type(found) is type(wanted)
        np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-3)
    if isinstance(own, zoo.Segmenter):
        return
    many = np.random.default_rng(0).standard_normal((40, *own.preprocessing.input_shape))
    inputs = many.astype(np.float32)
    np.testing.assert_allclose(model.logits(inputs), own.logits(inputs), atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_bad_images_are_refused_in_the_same_words(engine: str) -> None:
    said = []
    for backend in ("auto", engine):
        with pytest.raises(zoo.ImageError) as caught:
            zoo.load("mnist", source="bundle", backend=backend).predict(b"junk")
        said.append(str(caught.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_get_their_own_answers(engine: str) -> None:
    model = zoo.load("mnist", source="bundle", backend=engine)
    draw = np.random.default_rng(0)
    inputs = [draw.standard_normal((3, 1, 28, 28), dtype=np.float32) for _ in range(8)]
    wanted = [model.plain_logits(each) for each in inputs]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(20):
            if not np.allclose(model.logits(inputs[number]), wanted[number], atol=1e-4):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_is_the_callers_own(engine: str) -> None:
    model = zoo.load("mnist", source="bundle", backend=engine)
    first = model.logits(np.zeros((1, 1, 28, 28), np.float32))
    kept = first.copy()
    model.logits(np.ones((1, 1, 28, 28), np.float32))
    np.testing.assert_array_equal(first, kept)


FORK = """
import os, signal, sys
import numpy as np
import zoo
model = zoo.load("mnist", source="bundle", backend=sys.argv[1])
inputs = np.random.default_rng(0).standard_normal((64, 1, 28, 28), dtype=np.float32)
wanted = model.logits(inputs)  # starts the threads
child = os.fork()
if not child:
    os._exit(0 if np.allclose(model.logits(inputs), wanted, atol=1e-4) else 1)
signal.alarm(120)  # a child that hangs fails the test, and does not outlive it
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_forked_process_answers_too(engine: str) -> None:
    done = subprocess.run([sys.executable, "-c", FORK, engine], cwd=ROOT, timeout=200)
    assert done.returncode == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_the_digit_network_needs_no_torch_in_an_engine(engine: str) -> None:
    code = (
        "import sys, numpy as np, zoo; "
        f"m = zoo.load('mnist', source='bundle', backend={engine!r}); "
        "m.logits(np.zeros((1, 1, 28, 28), np.float32)); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
