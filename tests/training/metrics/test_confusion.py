"""What a record says of a classifier's mistakes, and the images kept of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.tiny_images import CPU, TINY, make_images, write_batches
from training.cifar10 import cifar10_recipe
from training.data import cifar_images as data
from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.evaluate import evaluate, record_test
from training.metrics import confusion, error_samples
from zoo.loading import load_folder
from zoo.samples import samples


def test_the_confusion_matrix_is_that_of_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_confusion_matrix  # takes seconds

    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(4), 500), rng.integers(0, 4, 500)
    ours = confusion.describe(probabilities, labels)["confusion"]
    theirs = multiclass_confusion_matrix(
        torch.from_numpy(probabilities), torch.from_numpy(labels), num_classes=4
    )
    assert ours == theirs.tolist()  # rows: truth, columns: answer


def test_the_most_confident_errors_come_first_and_right_answers_never() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.99, 0.01], [0.3, 0.7]])
    labels = np.array([0, 1, 0, 1, 1])
    found = confusion.describe(probabilities, labels, count=2)["confident_errors"]
    assert [m["index"] for m in found] == [3, 2]
    assert found[0] == {"index": 3, "true": 1, "predicted": 0, "probability": 0.99}


def test_every_cell_of_the_matrix_that_counts_errors_has_an_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(4), 300), rng.integers(0, 4, 300)
    monkeypatch.setattr(confusion, "EXAMPLES", 20)
    found = confusion.describe(probabilities, labels)
    cells = [(e["true"], e["predicted"]) for e in found["error_examples"]]
    counts = np.array(found["confusion"])
    assert len(cells) == 20
    assert set(cells) == {(i, j) for i in range(4) for j in range(4) if i != j and counts[i, j]}
    first, second = found["error_examples"][:12], found["error_examples"][12:]
    assert [counts[e["true"], e["predicted"]] for e in first] == sorted(
        (counts[i, j] for i in range(4) for j in range(4) if i != j), reverse=True
    )
    boldest = {(e["true"], e["predicted"]): e["probability"] for e in first}
    assert all(e["probability"] <= boldest[e["true"], e["predicted"]] for e in second)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data and, in ``run``, a tiny model that has hardly learned."""
    root = tmp_path_factory.mktemp("cifar")
    training = make_images(80)
    write_batches(root / "cifar-10-batches-py", training, make_images(60, seed=1))
    recipe = replace(TINY, epochs=1)
    cifar10_recipe.train(recipe, training, None, root / "run", CPU, quiet=True)
    return root


def test_the_one_evaluation_records_all_that_the_page_shows(run: Path) -> None:
    test = record_test(run / "run", run)
    record = read_json(run / "run" / "record.json")
    counts = np.array(record["confusion"])
    assert counts.shape == (10, 10)
    assert counts.sum() == test["n"] == 60
    assert counts.trace() / 60 == test["accuracy"]
    assert counts.sum(axis=1).tolist() == [6] * 10
    again = evaluate("cifar10", run, folder=run / "run")
    assert again["metrics"]["accuracy"] == test["accuracy"]
    model = load_folder("cifar10", run / "run")
    images = data.load(run, "test").images
    for mistake in [*record["confident_errors"][:5], *record["error_examples"][:5]]:
        answer = model.predict(images[mistake["index"]])
        assert answer.index == mistake["predicted"] != mistake["true"]
        assert answer.confidence == pytest.approx(mistake["probability"], abs=1e-4)


def test_what_an_earlier_record_lacks_is_added_and_its_metrics_stay(run: Path) -> None:
    record_test(run / "run", run)
    path = run / "run" / "record.json"
    whole = read_json(path)
    earlier = {k: v for k, v in whole.items() if k not in ("error_examples", "reliability")}
    earlier["metrics"]["test"]["note"] = "as recorded"
    write_json(path, earlier)
    record_test(run / "run", run)
    again = read_json(path)
    assert again["error_examples"] == whole["error_examples"]
    assert again["reliability"]["n"] == 60
    assert again["metrics"]["test"]["note"] == "as recorded"
    earlier["confusion"][0][0] += 1
    write_json(path, earlier)
    with pytest.raises(TrainingError, match="answers otherwise"):
        record_test(run / "run", run)
    write_json(path, whole)


def test_images_of_errors_become_a_collection_with_credit(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_test(run / "run", run)
    monkeypatch.setattr(error_samples, "SAMPLES", tmp_path)
    left_over = tmp_path / "cifar10_errors" / "old.png"
    left_over.parent.mkdir()
    left_over.touch()
    error_samples.save(run / "run", run)
    assert not left_over.exists()
    monkeypatch.setattr("zoo.samples._FOLDER", tmp_path)
    samples.cache_clear()
    found = samples("cifar10_errors")
    samples.cache_clear()
    record = read_json(run / "run" / "record.json")
    images = data.load(run, "test").images
    boldest = [f"test-{m['index']:05d}" for m in record["confident_errors"]]
    assert [s.id for s in found][: len(boldest)] == boldest
    listed = [*record["confident_errors"], *record["error_examples"]]
    assert {s.id for s in found} == {f"test-{m['index']:05d}" for m in listed}
    by_id = {f"test-{m['index']:05d}": m for m in listed}
    for sample in found:
        mistake = by_id[sample.id]
        np.testing.assert_array_equal(np.asarray(Image.open(sample.path)), images[mistake["index"]])
        assert sample.label == data.LABELS[mistake["true"]]
        assert "Krizhevsky" in sample.credit


def test_a_record_without_errors_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="export it first"):
        error_samples.save(tmp_path / "nothing", tmp_path)
    for name in ("record.json", "config.json"):
        write_json(tmp_path / name, {})
    with pytest.raises(TrainingError, match=r"training\.evaluate --record"):
        error_samples.save(tmp_path, tmp_path)
