"""Settings that a host gives as Streamlit secrets, handed to the zoo as environment variables."""

from __future__ import annotations

import os

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

NAMES = ("ZOO_REPO", "ZOO_REVISION", "ZOO_TIMEOUT", "ZOO_EXTRA", "HF_TOKEN", "SOURCE_URL")


def from_secrets() -> None:
    """Set each name that is a secret and not in the environment; no secrets file is fine."""
    try:
        found = {name: str(st.secrets[name]) for name in NAMES if name in st.secrets}
    except StreamlitSecretNotFoundError:
        return
    for name, value in found.items():
        os.environ.setdefault(name, value)
