"""What uploads and the camera share: where they cannot work, and what a file is.

What a file is, its content says (``zoo.open_image``), not the end of its name: browsers save JPEGs
as ``.jfif``, phones send names without any. So every file may be chosen.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping

import streamlit as st

import zoo

_XSRF = "_streamlit_xsrf"  # the cookie that the server wants back with every upload
# An address by http: its host, in brackets if it is of IPv6, is the machine itself or not.
_LOCAL = re.compile(r"http://(([^/]+\.)?localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)", re.IGNORECASE)


def camera(title: str, label: str, key: str, take: Callable[[str], None]) -> None:
    """Draw a button that opens the camera.

    The browser asks its user for the camera as soon as the input is there, so it is drawn only
    once it is wanted.

    Args:
        title: of the button.
        label: says what image is wanted.
        key: of the camera in the session's state, where its image lies.
        take: called with ``key`` when an image has come or gone.
    """
    opened = st.popover(
        title, icon=":material/photo_camera:", key=f"{key}-popover", on_change="rerun"
    )
    if opened.open and (why := no_camera(st.context.url)):
        opened.warning(why, icon=":material/no_photography:")
    elif opened.open:
        opened.camera_input(label, key=key, on_change=take, args=(key,))


def no_upload(url: str | None, cookies: Mapping[str, str]) -> str | None:
    """Say why uploads will fail in this browser, or None.

    In a frame of another site browsers keep the cookie back without which the server refuses an
    upload (403); the page's own connection came without it then.

    Args:
        url: of the page, as the browser sees it; None without a browser.
        cookies: that came with the page's connection, by name.
    """
    if not url or not st.get_option("server.enableXsrfProtection") or _XSRF in cookies:
        return None
    return (
        "Your browser keeps back the cookie that uploads need, as it does inside the frame of "
        f"another site: [open this page in a tab of its own]({re.split('[?#]', url)[0]})."
    )


def no_camera(url: str | None) -> str | None:
    """Say why browsers will not open the camera here, or None.

    Args:
        url: of the page, as the browser sees it; None without a browser.
    """
    if not url or not url.lower().startswith("http://") or _LOCAL.match(url):
        return None
    return (
        "Browsers open the camera on pages with https alone, and this one came with http: "
        "take the photo with the camera's own app, and upload it."
    )


def problem(error: Exception) -> str:
    """Say in one sentence why an image could not be used; what nobody foresaw goes to the log.

    Args:
        error: What came up while it was read or looked at.
    """
    if isinstance(error, zoo.ZooError):
        return str(error)
    logging.getLogger(__name__).error("An image could not be used", exc_info=error)
    if isinstance(error, MemoryError):
        return "There is not enough memory free for this image: use a smaller one."
    return "Something went wrong with this image, and the log says what: try another one."
