"""A new model is four edits, and nothing else: done once, in a copy of the tree.

The made-up model looks at clothes: 28 × 28 gray images like MNIST's, but no digits. Whatever takes
it for the digit network would draw its images again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = ("app.py", "hubconf.py", "pyproject.toml")
FOLDERS = (".streamlit", "static", "api", "pages", "zoo", "training")

# --- 1. The architecture: one file, and one entry in the registry. ---
ARCHITECTURE = '''
"""The clothes network: one convolution, BatchNorm, ReLU, one linear layer."""

from __future__ import annotations

from torch import Tensor, nn


class ClothesNet(nn.Module):
    """Classify gray images of 28 × 28 pixels."""

    def __init__(self, width: int = 8, classes: int = 3) -> None:
        super().__init__()
        self.arguments = {"width": width, "classes": classes}
        self.conv = nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.head = nn.Linear(width * 14 * 14, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) for images (N, 1, 28, 28)."""
        return self.head(self.act(self.bn(self.conv(x))).flatten(1))
'''
REGISTRY = (
    '    "unet": Architecture(',
    '    "clothes": Architecture("clothes_net", "ClothesNet"),\n',
)

# --- 2. The data source. ---
DATA = '''
"""Clothes: images drawn by a few lines, for want of a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.data.cifar_images import LabelledImages

LABELS = ("shirt", "trousers", "bag")
DESCRIPTION = {
    "name": "Clothes",
    "reader": "clothes_images",
    "source": "https://example.org/clothes",
    "license": "CC0 1.0",
    "citation": "Nobody: Clothes.",
}


def load(data_dir: Path, split: str) -> LabelledImages:
    """Return uint8 images (N, 28, 28) and labels (N,)."""
    rng = np.random.default_rng({"train": 0, "validation": 1, "test": 2}[split])
    labels = rng.integers(0, len(LABELS), 120)
    images = rng.integers(0, 60, (len(labels), 28, 28))
    for image, label in zip(images, labels, strict=True):
        rows = (slice(2, 12), slice(2, 26), slice(14, 26))[label]
        image[rows, 4 + 4 * label : 20] += 150
    return LabelledImages(images.astype(np.uint8), labels.astype(np.int64))
'''

# --- 3. The recipe, which writes the config. ---
RECIPE_INIT = '"""The clothes network\'s recipe."""\n'
RECIPE = '''
"""Train the clothes network: ``python -m training.clothes --data-dir DIR --out RUN_DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch.nn import functional

from training.data import clothes_images as data
from training.engine import model_folder
from training.engine.failures import run_command
from training.engine.provenance import provenance
from training.evaluate import record_test
from zoo.networks.clothes_net import ClothesNet
from zoo.preprocessing.preprocessing import Preprocessing

PREPROCESSING = Preprocessing("crop", 1, (0.3,), (0.3,), height=28, width=28)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--export", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    record = provenance(("torch",))
    train, network = data.load(options.data_dir, "train"), ClothesNet()
    inputs = torch.from_numpy(PREPROCESSING.normalize_batch(train.images))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    history = []
    for epoch in range(1, 21):
        loss = functional.cross_entropy(network(inputs), torch.from_numpy(train.labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append({"epoch": epoch, "seconds": 0.1, "train": {"loss": loss.item()}})
    config = model_folder.config_of(
        network.eval(), model="clothes", task="classification", preprocessing=PREPROCESSING,
        labels=data.LABELS, data=data.DESCRIPTION, title="Clothes",
    )
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    model_folder.write_model(options.out, state, config, {
        "format": 2, "model": "clothes", **record, "seed": 0, "recipe": {"epochs": 20},
        "parameters": sum(p.numel() for p in network.parameters()),
        "selection": "the weights after the last epoch", "train_seconds": 2.0,
        "metrics": {}, "history": history, "seeds": [],
    })
    record_test(options.out, options.data_dir)
    if options.export:
        model_folder.export(options.out)
    return 0


if __name__ == "__main__":
    run_command(main)
'''

# --- 4. The page: one file, and one entry in the site's list. ---
PAGE = '''
"""Clothes: one image, and what the network calls it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.common import entry_guard, loaded_models
from pages.sections import training_history

entry_guard.ensure("pages/clothes.py")
model = loaded_models.classifier("clothes")
st.title("Clothes", anchor=False)
st.metric("Answer", model.predict(np.zeros((28, 28), np.uint8)).label)
training_history.show(model)
'''
SITE = (
    '    Entry(\n        "pages/feature_maps.py",',
    """    Entry(
        "pages/clothes.py",
        "Clothes",
        ":material/checkroom:",
        "Models",
        model="clothes",
        summary="A small network that tells clothes apart.",
    ),
""",
)

# What a user does with any model; each line prints what the test looks at.
USE = """
import json, sys
from pathlib import Path
import numpy as np
import torch
import zoo
from training.data import clothes_images
from training.documents.readme_blocks import models_table
from training.publish.repo_files import hub_files

found = {"models": zoo.list_models(), "task": zoo.info("clothes").task}
test = clothes_images.load(Path(), "test")
model = zoo.load("clothes")
found["untouched"] = bool((model.model_input_image(test.images[0]) == test.images[0]).all())
found["label"] = clothes_images.LABELS[test.labels[0]]
found["answer"] = model.predict(test.images[0]).label
run = zoo.explain.trace(model, test.images[0])
found["layers"] = [layer.name for layer in run.layers]
found["cam"] = zoo.explain.grad_cam(model, test.images[0], "bag", layer="act").shape
found["occlusion"] = zoo.explain.occlusion(model, test.images[0], "bag").shape
found["arithmetic"] = len(zoo.explain.arithmetic(run, "act", 0, 3, 3))
files = hub_files("me/x")
found["files"] = sorted(path for path in files if path.startswith("clothes/"))
found["card"] = "clothes" in files["README.md"].decode()
found["readme"] = "| [`clothes`]" in models_table()
print(json.dumps(found))
"""
OPEN_PAGES = """
import json
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("app.py", default_timeout=120).run()
found = {"overview": not app.exception and any("Clothes" in h.value for h in app.header)}
page = app.switch_page("pages/clothes.py").run()
found |= {"page": not page.exception, "answer": page.metric[0].value}
maps = app.switch_page("pages/feature_maps.py").run()
found["feature_maps"] = not maps.exception
weights = app.switch_page("pages/use_the_weights.py").run()
found["use_the_weights"] = not weights.exception
print(json.dumps(found))
"""


COMMANDS = """
from pathlib import Path
from zoo.__main__ import main

image = next(Path("zoo/samples/digits").glob("*.png"))
for line in ("list", "info clothes", "verify", f"predict clothes {image} --json"):
    assert main(line.split(" ")) == 0
    print("---")
"""
EVALUATE = """
import sys
from training.evaluate import main

sys.argv = ["training.evaluate", "clothes", "--data-dir", "data", "--json"]
assert main() == 0
"""
TORCH_HUB = """
import torch
print(type(torch.hub.load(".", "clothes", source="local")).__name__)
"""
PARTS = {
    "library": USE, "command": COMMANDS, "evaluation": EVALUATE, "torch.hub": TORCH_HUB,
    "pages": OPEN_PAGES,
}  # fmt: skip
# Does all of it in one process, for each import of torch is seconds, and tells what each printed.
EACH = """
import contextlib, io, json, sys, traceback

printed = {}
for part, code in json.loads(sys.argv[1]).items():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            exec(code, {"__name__": part})
        except BaseException:
            traceback.print_exc(file=out)
    printed[part] = out.getvalue()
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the four edits, and the model trained and exported."""
    root = tmp_path_factory.mktemp("tree")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    write(root / "zoo/networks/clothes_net.py", ARCHITECTURE)
    insert(root / "zoo/networks/registry.py", *REGISTRY)
    write(root / "training/data/clothes_images.py", DATA)
    write(root / "training/clothes/__init__.py", RECIPE_INIT)
    write(root / "training/clothes/__main__.py", RECIPE)
    write(root / "pages/clothes.py", PAGE)
    insert(root / "pages/common/site.py", *SITE)
    run(root, "-m", "training.clothes", "--data-dir", "data", "--out", "runs/clothes", "--export")
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.lstrip(), encoding="utf-8")


def insert(path: Path, before: str, lines: str) -> None:
    """Insert lines in front of a text that stands in the file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, lines + before), encoding="utf-8")


def run(root: Path, *arguments: str) -> str:
    """Run Python in the copy and return what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ZOO_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root, env=environment | {"PYTHONPATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def printed(tree: Path) -> dict[str, str]:
    """What each of the parts has printed; in the end a traceback, if it broke."""
    return dict(json.loads(run(tree, "-c", EACH, json.dumps(PARTS)).splitlines()[-1]))


def told(said: str) -> Any:
    """Read the JSON at the end of what a part has printed; fail with what stands there instead."""
    try:
        return json.loads(said[said.index("{") :])
    except ValueError:
        pytest.fail(said)


def test_the_library_the_card_and_the_documents_know_it(printed: dict[str, str]) -> None:
    found = told(printed["library"])
    assert found["models"][-1] == "clothes"
    assert found["task"] == "classification"
    assert found["untouched"]  # not drawn again as a digit
    assert found["answer"] == found["label"]
    assert {"conv", "bn", "act", "head"} <= set(found["layers"])
    assert found["cam"] == found["occlusion"] == [28, 28]
    assert found["arithmetic"] >= 3
    assert {"clothes/network.py", "clothes/curves.png", "clothes/config.json"} <= set(
        found["files"]
    )
    assert found["card"]
    assert found["readme"]


def test_the_command_knows_it(printed: dict[str, str]) -> None:
    said = printed["command"]
    assert said.count("---\n") == 4, said
    listed, about, verified, predicted, _ = said.split("---\n")
    assert "clothes" in listed
    assert "Clothes, CC0 1.0" in about
    assert "clothes: 3 files match" in verified
    (answer,) = json.loads(predicted)
    assert set(answer["probabilities"]) == {"shirt", "trousers", "bag"}


def test_it_is_evaluated_on_its_own_data(tree: Path, printed: dict[str, str]) -> None:
    result = told(printed["evaluation"])
    assert result["n"] == 120
    assert result["metrics"]["accuracy"] > 0.9
    recorded = json.loads((tree / "zoo/bundle/clothes/record.json").read_text())
    assert recorded["metrics"]["test"]["accuracy"] == result["metrics"]["accuracy"]


def test_torch_hub_knows_it(printed: dict[str, str]) -> None:
    assert printed["torch.hub"].split() == ["ClothesNet"]


def test_its_page_opens_and_no_other_breaks(printed: dict[str, str]) -> None:
    found = told(printed["pages"])
    assert found.pop("answer") in ("shirt", "trousers", "bag")
    assert all(found.values()), found
