"""An image that leads to a page."""

from __future__ import annotations

from pages.components.register import component

_mount = component("image_link")


def show(key: str, image: str, alt: str, page: str, shape: float) -> None:
    """Show the image; it is as wide as its place.

    Args:
        key: Streamlit's key.
        image: Address of the image.
        alt: Where it leads and what it shows, for those who cannot see it.
        page: The page's address, such as "digits".
        shape: Width divided by height, which the image has before it is there.
    """
    _mount(key=key, data={"image": image, "alt": alt, "page": page, "shape": shape})
