"""``hubconf.py``: the models through ``torch.hub``."""

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
