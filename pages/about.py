"""About: what this is, what happens to a visitor's images, whose work it rests on."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard, source

entry_guard.ensure("pages/about.py")

st.title("About", anchor=False)
st.markdown(
    "CNN-Lytical trains convolutional networks, gives them away, and takes them apart. "
    "Every number on these pages is a measurement, recorded with the command that repeats it."
)

st.header("Your images", anchor="images")
st.markdown(
    "What you draw, upload or photograph goes to this server and nowhere else. It stays in the "
    "server's memory while your page is open, and is never written to a disk. The pages ask no "
    "other machine for anything, and count nobody."
)

st.header("Licenses", anchor="licenses")
rows = ["| Model | Weights | Training data |", "|---|---|---|"]
for name in zoo.list_models(own=False, alternatives=False):
    info = zoo.info(name)
    data = f"{info.data['name']}: {info.data['license']}"
    weights = info.license.replace("-", "\u2011")  # a hyphen at which no line breaks
    rows.append(f"| {info.title} | {weights} | {data} |")
st.markdown("\n".join(rows))
st.markdown(
    "The font is Geist, under the SIL Open Font License. Whoever took a sample photo is named "
    "beneath it."
)

st.header("Something is wrong", anchor="wrong")
if issues := source.issues():
    st.markdown(
        f"[Report it]({issues}), with the page's address: it holds what you saw. "
        f"The code: [{source.address()}]({source.address()})."
    )
else:
    st.markdown("Tell whoever runs this server, with the page's address: it holds what you saw.")
