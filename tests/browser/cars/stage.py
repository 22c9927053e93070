"""Hand photos to the cars page, and read what it shows and gives, as a visitor would."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests import red_cars
from zoo.segmentation import masks

SIZE = (1500, 900)  # larger than what is shown, so that a download of the shown size would differ


def upload(page: Page, photo: Image.Image | None = None) -> None:
    before = shown(page)
    hand_in(page, "street.png", png(photo or red_cars.street(*SIZE)))
    wait_for_photo(page, before + 1)
    if not view(page, "Overlay").is_checked():  # the one thing that another photo leaves as it was
        view(page, "Overlay").click()


def hand_in(page: Page, name: str, contents: bytes) -> None:
    """Choose a photo of one's own, as a visitor does."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your photo of a car").click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": contents})


def choose(uploader: Locator, name: str, contents: bytes) -> None:
    """Hand a file to a file uploader."""
    field = uploader.locator("xpath=ancestor-or-self::*[@data-testid='stFileUploader'][1]")
    field.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": contents}
    )


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def shown(page: Page) -> int:
    """Return the number of the photo that the stage has drawn."""
    return int((page.locator(".stage").get_attribute("data-shown") or "").partition("-")[0])


def wait_for_photo(page: Page, number: int) -> None:
    """Wait until the stage has drawn the photo with this number."""
    expect(page.locator(".stage")).to_have_attribute("data-shown", str(number))


def canvas(page: Page) -> np.ndarray:
    """Return what the stage shows, int (height, width, 3)."""
    address = page.locator(".stage canvas").evaluate("c => c.toDataURL('image/png')")
    contents = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(contents)).convert("RGB")).astype(int)


def tinted(page: Page) -> float:
    """Return the share of the stage that is not as gray as the street or darker."""
    pixels = canvas(page)
    return float(np.mean(pixels.max(axis=2) - pixels.min(axis=2) > 12))


def metric(page: Page, label: str) -> Locator:
    found = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return found.get_by_test_id("stMetricValue")


def view(page: Page, name: str) -> Locator:
    return page.locator(".views").get_by_role("radio", name=name)


def tool(page: Page, name: str) -> Locator:
    return page.locator(".tools").get_by_role("radio", name=name)


def transparent_again(page: Page) -> None:
    """Choose no background, for the next test."""
    page.get_by_role("radio", name="Transparent").click()
    expect(page.get_by_role("button", name="Image, JPEG")).to_have_count(0)
    expect(page.get_by_role("button", name="Cut-out, PNG")).to_be_visible()


def save(page: Page, button: str) -> tuple[str, bytes]:
    """Click a download button; return the file's name and contents."""
    with page.expect_download() as found:
        page.get_by_role("button", name=button).click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def downloaded(page: Page, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return the mask that the page gives, bool (height, width)."""
    return masks.read(save(page, "Mask, PNG")[1], size)
