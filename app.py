"""The front door, ``streamlit run app.py``: page list and side bar; the rest is in pages/."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.common import entry_guard, footer, loaded_models, settings, site, warm_up
from pages.sections.feature_maps import top_images

STATIC = Path(__file__).parent / "static"

st.set_page_config(
    page_title="CNN-Lytical",
    page_icon=str(STATIC / "favicon.png"),  # a Material icon here would ask an outside font host
    layout="wide",
    initial_sidebar_state="auto",
)
st.logo(str(STATIC / "logo.svg"), size="large", icon_image=str(STATIC / "favicon.png"))
settings.from_secrets()
warm_up.start([top_images.prepare])
page = site.navigation()
entry_guard.resume()
loaded_models.prefetch()
footer.show()
page.run()
