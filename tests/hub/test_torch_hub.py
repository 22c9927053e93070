"""``hubconf.py``: the models through ``torch.hub``."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.workspace import Workspace
from zoo import snippets

CHECK = """
import numpy as np, torch, zoo
assert not network.training
image = torch.zeros(2, 1, 28, 28)
with torch.inference_mode():
    ours = zoo.load("mnist", source="bundle").network.forward(image.numpy())
    np.testing.assert_allclose(network(image).numpy(), ours, atol=1e-5)
print("same")
"""


def test_the_same_network(workspace: Workspace) -> None:
    """The snippet, the architecture without weights, and a model that does not exist."""
    code = (
        f"{snippets.torch_hub('mnist')}\n{CHECK}\n"
        "fresh = torch.hub.load('.', 'model', 'mnist', source='local', pretrained=False)\n"
        "print(fresh(torch.zeros(1, 1, 28, 28)).shape)\n"
        "torch.hub.load('.', 'model', 'minst', source='local')\n"
    )
    done = workspace.run("-c", code)
    assert done.stdout.startswith("same\n"), done.stderr
    assert "torch.Size([1, 10])" in done.stdout, done.stderr
    assert "did you mean 'mnist'?" in done.stderr


THEIRS = """
import sys, torch
import zoo, zoo.animals  # the user's own package
theirs = dict(sys.modules)
for _ in range(2):  # a second time from what is there
    network = torch.hub.load(sys.argv[1], "mnist", source="local")
    assert network(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    assert sys.modules["zoo"] is theirs["zoo"] and zoo.animals is theirs["zoo.animals"]
import zoo.plants
print(zoo.plants.NAME, [path for path in sys.path if path == sys.argv[1]])
"""
LATER = """
import sys, torch
torch.hub.load(sys.argv[1], "mnist", source="local")
import zoo.plants
print(zoo.plants.NAME)
"""


@pytest.mark.parametrize("code", [THEIRS, LATER])
def test_beside_another_package_of_that_name(
    workspace: Workspace, tmp_path: Path, code: str
) -> None:
    """Somebody's own ``zoo``, imported before or after, stays what ``import zoo`` means."""
    package = tmp_path / "elsewhere" / "zoo"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "animals.py").touch()
    (package / "plants.py").write_text("NAME = 'fern'")
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace.folder)],
        cwd=package.parent,
        env={**workspace.environment, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("fern"), done.stderr


def test_an_entry_point_for_every_model(workspace: Workspace) -> None:
    code = "import hubconf; print([n for n in dir(hubconf) if n in ('mnist', 'cifar10', 'model')])"
    done = workspace.run("-c", code)
    assert done.stdout == "['mnist', 'model']\n", done.stderr
