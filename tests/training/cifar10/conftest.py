"""Few images that show no class: a thousand cost more than all of a tiny training."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from training.metrics import ood_detection


@pytest.fixture(scope="module", autouse=True)
def few_ood_images() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ood_detection, "COUNT", 20)
        yield
