"""The shipped networks answer as they did in format 1, before names and rooms were settled.

``before/`` holds the configs of commit 714f264 and what it answered to the shipped samples; for
weights that came later, how that commit would describe them, and what they answered first.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo.loading import load_folder
from zoo.samples import Sample, samples

BEFORE = Path(__file__).parent / "before"
ANSWERS = json.loads((BEFORE / "answers.json").read_text())["answers"]


def arrays(answer: zoo.Classification | zoo.Segmentation) -> list[np.ndarray]:
    if isinstance(answer, zoo.Segmentation):
        return [answer.probabilities, answer.low_res_probabilities]
    return [answer.probabilities, answer.logits]


@pytest.mark.parametrize("name", list(ANSWERS))
def test_a_folder_of_format_1_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    now = zoo.load(name, device="cpu", source="bundle")
    weights = (Path(zoo.__file__).parent / "bundle" / name / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "config.json").write_bytes((BEFORE / f"{name}.json").read_bytes())
    old = load_folder(name, tmp_path, device="cpu")
    for sample in samples(zoo.info(name).samples)[:4]:
        for one, two in zip(*(arrays(m.predict(sample.path)) for m in (now, old)), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", list(ANSWERS))
def test_every_sample_is_prepared_and_answered_as_before(name: str) -> None:
    """The inputs to the bit; the answers up to another processor's rounding."""
    model = zoo.load(name, device="cpu", source="bundle")
    found = {s.id: told(model, s) for s in samples(zoo.info(name).samples)}
    for sample, before in ANSWERS[name].items():
        assert found[sample]["input"] == before["input"], sample
        assert found[sample]["answer"] == before["answer"], sample
        assert found[sample]["value"] == pytest.approx(before["value"], abs=2e-3), sample


def told(model: zoo.Classifier | zoo.Segmenter, sample: Sample) -> dict[str, Any]:
    answer = model.predict(sample.path)
    value = answer.area if isinstance(answer, zoo.Segmentation) else answer.confidence
    digest = hashlib.sha256(model.preprocess(sample.path).tobytes()).hexdigest()[:16]
    return {"input": digest, "answer": answer.label, "value": value}
