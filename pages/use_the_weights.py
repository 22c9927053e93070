"""Use the weights: what each model is, and code to copy."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format
from pages.sections import training_history
from zoo import records, snippets
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights import hub

entry_guard.ensure("pages/use_the_weights.py")


def choose() -> str:
    """Let the visitor choose a model; with a single one there is nothing to choose."""
    names = zoo.list_models()
    if len(names) == 1:
        return names[0]
    titles = {name: zoo.info(name).title for name in names}
    chosen = st.segmented_control(
        "Model", names, default=names[0], format_func=lambda name: f"{titles[name]} ({name})"
    )
    return chosen or names[0]


def show_facts(model: zoo.Model) -> None:
    """Draw what the model is: metric, size, license, revision."""
    info = zoo.info(model.name)
    metric, value, n = records.headline(model.record)
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            f"Test {training_history.METRICS[metric]}, n = {n:,}", number_format.percent(value, 2)
        )
        st.metric("Parameters", number_format.count(info.parameters))
        st.metric("Size", number_format.size(info.size))
    found = model.preprocessing
    pairs = zip(found.mean, found.std, strict=True)
    scaled = ", ".join(f"{mean:g} ± {std:g}" for mean, std in pairs)
    st.markdown(
        f"**{info.title}**: {info.task} with `{info.architecture}`. The network takes "
        f"{_shape(found)}, normalized by mean ± standard deviation {scaled}; `zoo` does that for "
        f"you.  \n"
        f"Weights: {info.license}. Trained on [{info.data['name']}]({info.data['source']}), "
        f"{info.data['license']}.  \n{revision(model)}"
    )


def _shape(found: Preprocessing) -> str:
    """Say what the network's input is."""
    if not found.fixed_size:
        return (
            f"{found.channels} × height × width values in 0…1 of images whose longest side is "
            f"{found.longest_side}"
        )
    return f"{found.channels} × {found.height} × {found.width} values in 0…1"


def revision(model: zoo.Model) -> str:
    """Say where the files are that run here."""
    if model.revision:
        return f"Revision `{model.revision}` of `{hub.repository()}`."
    if repo := hub.repository():
        return f"Running from the bundle; published as `{repo}`."
    return "They ship with the code; no Hub repo is configured (`ZOO_REPO`)."


def show_snippets(model: zoo.Model) -> None:
    """Draw the code, one tab a way of using it."""
    name, repo = model.name, hub.repository()
    ways = {"Python": (snippets.library(name, repo), "python")}
    if repo:
        ways["PyTorch alone"] = (snippets.plain(name, repo, model.revision), "python")
    ways["torch.hub"] = (snippets.torch_hub(name), "python")
    ways["Command line"] = (snippets.command(name, repo), "bash")
    notes = {
        "Python": "Takes a path, bytes, a PIL image or an array; prepares it as in training.",
        "PyTorch alone": "Nothing of this project is needed: the Hub client, safetensors and "
        "PyTorch. `network.py` is code, so read it before you run it.",
        "torch.hub": "In a checkout of this project. Gives an `nn.Module` in evaluation mode.",
        "Command line": "In a checkout of this project, or after `pip install .`",
    }
    for tab, (way, (code, language)) in zip(st.tabs(list(ways)), ways.items(), strict=True):
        with tab:
            st.code(code, language=language, wrap_lines=True)
            st.caption(notes[way])


def show_files(model: zoo.Model) -> None:
    """Draw name, size and sha256 of each file, ready for ``sha256sum --check``."""
    pins = zoo.info(model.name).files.values()
    st.code("\n".join(f"{pin.sha256}  {pin.name}" for pin in pins), language=None, wrap_lines=True)
    sizes = ", ".join(f"{pin.name} {number_format.size(pin.size)}" for pin in pins)
    st.caption(
        f"{sizes}. The zoo compares every file with these before it parses anything; in a folder "
        "with the files, `sha256sum --check` reads this list."
    )


st.title("Use the weights", anchor=False)
st.markdown(
    "Every model loads in one line and is what it claims: safetensors, checked byte for byte "
    "against the catalog that ships with the code."
)
model = loaded_models.load(choose())
show_facts(model)
st.header("Load it", anchor="load")
show_snippets(model)
st.header("Check it", anchor="check")
show_files(model)
