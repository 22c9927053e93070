"""Copy-ready code for using a model, as the model card and the app show it.

A test runs every snippet exactly as these functions return it.
"""

from __future__ import annotations

from zoo.weights import catalog


def library(name: str, repo: str | None = None, image: str | None = None) -> str:
    """Return Python that predicts with this library.

    Args:
        name: A model of the zoo.
        repo: Hub repo to pull from, or None for the weights that ship with the code.
        image: File in the Hub repo to predict, such as ``"mnist/example.png"``; None leaves the
            image to the reader.
    """
    lines = ["import zoo", ""]
    if repo:
        lines = ["import os", f'os.environ["ZOO_REPO"] = "{repo}"', *lines]
    if repo and image:
        lines += [
            "from huggingface_hub import hf_hub_download",
            f'image = hf_hub_download("{repo}", "{image}")',
        ]
    source = "hub" if repo else "bundle"
    lines += [f'model = zoo.load("{name}", source="{source}")']
    if repo and image:
        lines += ["print(model.predict(image))"]
    else:
        lines += ["print(model)", f'# model.predict("image.png"){_part(name)}']
    return "\n".join(lines)


def _part(name: str) -> str:
    """The part of an answer that most people want, "" for all of it."""
    return {"segmentation": ".mask"}.get(catalog.info(name).task, "")


def plain(name: str, repo: str, revision: str | None = None) -> str:
    """Return Python that rebuilds a network with the Hub client and PyTorch, without this library.

    Args:
        name: A model of the zoo.
        repo: Its Hub repo.
        revision: Commit hash to pin, or None for the newest.
    """
    pin = ", revision=revision" if revision else ""
    return "\n".join(
        [
            "import json, sys",
            "from pathlib import Path",
            "from huggingface_hub import hf_hub_download",
            "from safetensors.torch import load_file",
            "",
            *([f'revision = "{revision}"'] if revision else []),
            "code, config, weights = (",
            f'    Path(hf_hub_download("{repo}", f"{name}/{{file}}"{pin}))',
            '    for file in ("network.py", "config.json", "model.safetensors")',
            ")",
            "sys.path.insert(0, str(code.parent))",
            "from network import build",
            'network = build(**json.loads(config.read_text())["arguments"]).eval()',
            "network.load_state_dict(load_file(weights))",
        ]
    )


def torch_hub(name: str, folder: str = ".") -> str:
    """Return Python that loads a network as an ``nn.Module`` through ``torch.hub``.

    Args:
        name: A model of the zoo.
        folder: A checkout of this project.
    """
    return f'import torch\n\nnetwork = torch.hub.load("{folder}", "{name}", source="local")'


def command(name: str, repo: str | None = None) -> str:
    """Return the commands that pull and check a model, or check the bundled one.

    Args:
        name: A model of the zoo.
        repo: Its Hub repo, or None.
    """
    if repo is None:
        return f"python -m zoo verify\npython -m zoo info {name}"
    return f"export ZOO_REPO={repo}\npython -m zoo pull {name}\npython -m zoo info {name}"
