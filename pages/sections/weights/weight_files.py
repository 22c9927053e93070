"""The files to take away, and their sha256."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import zoo
from pages.common import number_format
from zoo import snippets
from zoo.weights import sources


def show(model: zoo.Model) -> None:
    """Draw a button a file; a file is read when somebody wants it."""
    info = zoo.info(model.name)
    with st.container(horizontal=True, gap="small", key="files"):
        for pin in info.files.values():
            _button(model.name, pin.name, pin.size, _reader(info, pin.name))
        source = snippets.network_source(info.architecture).encode()
        _button(model.name, "network.py", len(source), lambda: source)
        if sample := snippets.example(info.name):
            file = snippets.example_file(info.name)
            _button(model.name, file, sample.path.stat().st_size, sample.read)
    st.markdown(
        "Parameters in safetensors, nothing pickled; how images are prepared; the record of the "
        "training; the network in plain PyTorch; an image to try it with."
    )
    with st.expander("Check them: sha256"):
        hashes = "\n".join(f"{pin.sha256}  {pin.name}" for pin in info.files.values())
        st.code(hashes, language=None, wrap_lines=True)
        st.markdown(
            "`zoo` compares every file with these before it parses anything. In a folder with the "
            "files, `sha256sum --check` reads this list."
        )


def _reader(info: zoo.ModelInfo, file: str) -> Callable[[], bytes]:
    return lambda: sources.resolve(info).contents[file]


def _button(name: str, file: str, size: int, read: Callable[[], bytes]) -> None:
    st.download_button(
        f"{file}, {number_format.size(size)}",
        data=read,
        file_name=file,
        on_click="ignore",
        icon=":material/download:",
        key=f"download-{name}-{file}",
    )
