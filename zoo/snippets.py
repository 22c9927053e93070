"""Copy-ready code for using a model, as the model card and the app show it.

Every snippet runs as it stands and prints an answer; tests run them as these functions return them,
and compare what is printed with what the app shows beside them.
"""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import ZooError
from zoo.networks import architecture
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.samples import Sample, first_sample
from zoo.weights import catalog

WEIGHT_FILES = ("network.py", catalog.CONFIG, catalog.WEIGHTS)  # what plain PyTorch needs


def example(name: str) -> Sample | None:
    """Return the image that the snippets ask about, None if the model has no samples."""
    try:
        return first_sample(catalog.info(name).samples)
    except ZooError:
        return None


def example_file(name: str) -> str:
    """Return under which name the example is downloaded: ``"example.png"``; "" without one."""
    sample = example(name)
    return f"example{sample.path.suffix}" if sample else ""


def sample_path(name: str) -> str | None:
    """Return the example's path in a checkout, relative to its root; None without an example."""
    sample = example(name)
    if sample is None:
        return None
    return sample.path.relative_to(Path(__file__).parents[1]).as_posix()


def network_source(name: str) -> str:
    """Return the text of ``network.py``: ``build(**arguments)`` in plain PyTorch.

    Args:
        name: An architecture, as ``config["architecture"]`` names it.
    """
    entry = architecture(name)
    module = entry.stand_alone or entry.module
    path = Path(__file__).parent / "networks" / f"{module.replace('.', '/')}.py"
    source = _with_shared_blocks(path)
    if entry.stand_alone:
        return source
    return f'{source}\n\nbuild = {entry.network}  # build(**config["arguments"])\n'


def _with_shared_blocks(path: Path) -> str:
    """Return a module's text with the modules of its own room that it imports put before it."""
    source = path.read_text(encoding="utf-8")
    room = re.escape(f"zoo.networks.{path.parent.name}")
    own = re.compile(rf"^from {room}\.(\w+) import (?:\([^)]*\)|[^\n]*)\n", re.MULTILINE)
    for name in dict.fromkeys(own.findall(source)):
        shared = (path.parent / f"{name}.py").read_text(encoding="utf-8")
        rest = own.sub("", source).replace("from __future__ import annotations\n", "")
        source = f"{shared}\n\n{rest}"
    return source


def library(name: str, repo: str | None = None, image: str | None = None) -> str:
    """Return Python that predicts with this library.

    Args:
        name: A model of the zoo.
        repo: Hub repo to pull from, or None for the weights that ship with the code.
        image: File in the Hub repo to predict, such as ``"mnist/example.png"``; None for the
            example that ships with the code.
    """
    lines = ["import zoo", ""]
    if repo:
        lines = ["import os", f'os.environ["ZOO_REPO"] = "{repo}"', *lines]
    if repo and image:
        lines += [
            "from huggingface_hub import hf_hub_download",
            f'image = hf_hub_download("{repo}", "{image}")',
        ]
    elif samples := catalog.info(name).samples:
        lines[-1:] = ["from zoo.samples import first_sample", ""]
        lines += [f'image = first_sample("{samples}").path  # or "photo.jpg", bytes, an array, …']
    else:
        lines += ['image = "photo.jpg"']
    source = "hub" if repo else "bundle"
    return "\n".join(
        [*lines, f'model = zoo.load("{name}", source="{source}")', "print(model.predict(image))"]
    )


def plain(
    name: str,
    repo: str | None = None,
    revision: str | None = None,
    preprocessing: Preprocessing | None = None,
) -> str:
    """Return Python that rebuilds a network with PyTorch and safetensors, without this library.

    Args:
        name: A model of the zoo.
        repo: Hub repo to get the files from with its client; None: they are in the folder in which
            the code runs.
        revision: Commit hash to pin, or None for the newest.
        preprocessing: The model's: the code predicts the example, which lies beside it (see
            `example_file`). None: it builds the network, and that is all.
    """
    imports = ["json"]
    if repo:
        imports += ["sys"]
    lines = [f"import {', '.join(imports)}"]
    lines += _imports(repo, preprocessing)
    if repo:
        lines += ["", *_download(name, repo, revision), "from network import build"]
        config, weights = "config.read_text()", "weights"
    else:
        lines += ["from network import build  # it is code: read it before you run it", ""]
        config, weights = f'open("{catalog.CONFIG}").read()', f'"{catalog.WEIGHTS}"'
    lines += [
        f"config = json.loads({config})",
        'network = build(**config["arguments"]).eval()',
        f"network.load_state_dict(load_file({weights}))",
    ]
    return "\n".join(lines + (["", *_prediction(name, preprocessing)] if preprocessing else []))


def _imports(repo: str | None, preprocessing: Preprocessing | None) -> list[str]:
    """Return the imports after ``json``."""
    fits = preprocessing is not None and preprocessing.fixed_size
    images = ["import numpy as np", "import torch", f"from PIL import Image{', ImageOps' * fits}"]
    return [
        *(["from pathlib import Path", ""] if repo else [""]),
        *(images if preprocessing else []),
        *(["from huggingface_hub import hf_hub_download"] if repo else []),
        "from safetensors.torch import load_file",
    ]


def _download(name: str, repo: str, revision: str | None) -> list[str]:
    pin = ", revision=revision" if revision else ""
    return [
        *([f'revision = "{revision}"'] if revision else []),
        "code, config, weights = (",
        f'    Path(hf_hub_download("{repo}", f"{name}/{{file}}"{pin}))',
        f"    for file in ({', '.join(f'{chr(34)}{file}{chr(34)}' for file in WEIGHT_FILES)})",
        ")",
        "sys.path.insert(0, str(code.parent))",
    ]


def _prediction(name: str, found: Preprocessing) -> list[str]:
    """Return the lines from an image's file to a printed answer."""
    file, mode = example_file(name) or "photo.jpg", "L" if found.channels == 1 else "RGB"
    note = "  # as in MNIST: one digit, light on dark" * (found.kind == "mnist_digit")
    lines = [f'image = Image.open("{file}").convert("{mode}"){note}']
    if found.fixed_size:
        size = f"({found.width}, {found.height})"
        lines += [f"image = ImageOps.fit(image, {size}, Image.Resampling.LANCZOS)"]
    else:
        lines += [
            f"scale = {found.longest_side} / max(image.size)",
            "size = [round(scale * side) for side in image.size]",
            "image = image.resize(size, Image.Resampling.LANCZOS)",
        ]
    return [
        *lines,
        "pixels = np.array(image, np.float32).reshape(*image.size[::-1], -1) / 255",
        'mean, std = (config["preprocessing"][key] for key in ("mean", "std"))',
        "inputs = ((pixels - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)",
        "with torch.inference_mode():",
        "    logits = network(torch.from_numpy(inputs))",
        *_answer(name),
    ]


def _answer(name: str) -> list[str]:
    info = catalog.info(name)
    if info.task == "classification":
        return ['print(config["labels"][logits.argmax()])']
    return [
        'mask = logits[0, 0].sigmoid() >= config["threshold"]',
        "print(f\"{mask.float().mean():.1%} of the image is {config['labels'][0]}\")",
    ]


def onnx(name: str, repo: str) -> str:
    """Return Python that runs a network in ONNX Runtime, without this library and PyTorch.

    Args:
        name: A model of the zoo.
        repo: Its Hub repo.
    """
    return "\n".join(
        [
            "import numpy as np",
            "import onnxruntime",
            "from huggingface_hub import hf_hub_download",
            "",
            f'path = hf_hub_download("{repo}", "{name}/model.onnx")',
            "session = onnxruntime.InferenceSession(path)",
            'print(session.get_modelmeta().custom_metadata_map["input"])',
            "shape = [n if isinstance(n, int) else 1 for n in session.get_inputs()[0].shape]",
            '(logits,) = session.run(None, {"images": np.zeros(shape, np.float32)})',
        ]
    )


def torch_hub(name: str, folder: str = ".", preprocessing: Preprocessing | None = None) -> str:
    """Return Python that loads a network as an ``nn.Module`` through ``torch.hub``.

    Args:
        name: A model of the zoo.
        folder: A checkout of this project.
        preprocessing: The model's: the code asks the network about a blank input. None: it loads
            it, and that is all.
    """
    code = f'import torch\n\nnetwork = torch.hub.load("{folder}", "{name}", source="local")'
    if preprocessing is None:
        return code
    shape = ", ".join(map(str, preprocessing.input_shape))
    return (
        f"{code}\nwith torch.inference_mode():\n    print(network(torch.zeros(1, {shape})).shape)"
    )


def command(name: str, repo: str | None = None, image: str | None = None) -> str:
    """Return the commands that pull and check a model, or check the bundled one.

    Args:
        name: A model of the zoo.
        repo: Its Hub repo, or None.
        image: File to predict, or None.
    """
    lines = [f"export ZOO_REPO={repo}", f"python -m zoo pull {name}"] if repo else []
    if image is None:
        return "\n".join([*(lines or ["python -m zoo verify"]), f"python -m zoo info {name}"])
    return "\n".join([*lines, f"python -m zoo predict {name} {image}"])


def http_curl(name: str, api: str, output: str = "") -> str:
    """Return commands that ask a running app with curl.

    Args:
        name: A model of the zoo.
        api: The API's address, such as ``"http://localhost:8501/api"``.
        output: ``"mask"`` or ``"cutout"`` for an image instead of numbers.
    """
    file = example_file(name) or "photo.jpg"
    ask = f"curl -s --data-binary @{file} {api}/predict/{name}"
    return f"curl -s {api}/example/{name} -o {file}\n" + (
        f'{ask.replace(api, chr(34) + api)}?output={output}" -o {output}.png' if output else ask
    )


def http_python(name: str, api: str) -> str:
    """Return Python, of its standard library alone, that asks a running app; see `http_curl`."""
    return "\n".join(
        [
            "import json",
            "from urllib.request import urlopen",
            "",
            f'api = "{api}"',
            f'image = urlopen(f"{{api}}/example/{name}").read()'
            '  # or open("photo.jpg", "rb").read()',
            f'answer = json.load(urlopen(f"{{api}}/predict/{name}", data=image))',
            f"print({', '.join(f'answer[{chr(34)}{key}{chr(34)}]' for key in told(name))})",
        ]
    )


def http_javascript(name: str, api: str) -> str:
    """Return JavaScript that asks a running app, in a browser or in Node; see `http_curl`."""
    return "\n".join(
        [
            f'const api = "{api}";',
            f"const image = await (await fetch(`${{api}}/example/{name}`)).blob();"
            "  // or the File of an <input>",
            f"const asked = await fetch(`${{api}}/predict/{name}`, "
            '{ method: "POST", body: image });',
            "const answer = await asked.json();",
            f"console.log({', '.join(f'answer.{key}' for key in told(name))});",
        ]
    )


def told(name: str) -> tuple[str, str]:
    """Return what the short examples print of an answer."""
    fits = catalog.info(name).task == "classification"
    return ("label", "confidence") if fits else ("label", "area")
