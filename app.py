"""The front door, ``streamlit run app.py``: pages/ in their frame, and api/ beside them.

Streamlit reads this file twice: when the server starts, to find ``app``, and again at every run of
a page, for what every page stands in.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from api.application import mounted
from pages.common import (
    entry_guard,
    footer,
    loaded_models,
    settings,
    site,
    source,
    warm_up,
)
from pages.server import live_answer, live_maps, script_errors
from pages.server.file_sender import FileSender
from pages.server.lifespan import lifespan
from pages.server.page_head import PageHead
from pages.server.security_headers import SecurityHeaders
from pages.server.upload_limits import UploadLimits

STATIC = Path(__file__).parent / "static"

app = st.App(
    __file__,
    routes=[
        *live_answer.routes(site.base()),
        live_maps.route(site.base()),
        *mounted(loaded_models.shared, f"{site.base()}/api"),
    ],
    lifespan=lifespan,
    middleware=[Middleware(m) for m in (SecurityHeaders, FileSender, UploadLimits, PageHead)],
    on_script_error=script_errors.show,
)


def frame() -> None:
    """Draw what every page stands in, and in it the page that the visitor asked for."""
    settings.from_secrets()
    st.set_page_config(
        # Before st.navigation, which else takes the page's own icon, from an outside font host.
        page_icon=str(STATIC / "favicon.png"),
        layout="wide",
        initial_sidebar_state="auto",
        menu_items={
            "Get help": source.docs(),
            "Report a bug": source.issues(),
            "About": f"**{site.NAME}**: {site.ABOUT}",
        },
    )
    if why := site.problem():
        site.without_models(why).run()
        return
    page, entry = site.navigation()
    st.set_page_config(page_title=site.tab_title(entry))
    st.logo(str(STATIC / "logo.svg"), size="large", icon_image=str(STATIC / "favicon.png"))
    with warm_up.behind():
        entry_guard.resume()
        loaded_models.prefetch()
        footer.show()
        page.run()


if st.runtime.exists():
    frame()
