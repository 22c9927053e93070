"""The MNIST recipe: resuming, records, augmentation, errors. Run as a user runs it."""

from __future__ import annotations

import gzip
import json
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests import commands, own_process
from training.data import mnist_digits as data
from training.data.augment_digits import DigitAugmentation, warp
from training.engine import loop
from training.engine.checkpoint import load_checkpoint, save_checkpoint
from training.engine.failures import TrainingError
from training.mnist import mnist_recipe

RECIPE = mnist_recipe.MnistRecipe(epochs=4, batch=40, channels=(4, 8))


def train(
    data_dir: Path, out: Path, recipe: mnist_recipe.MnistRecipe = RECIPE, **options: object
) -> dict:
    splits = data.load(data_dir, "train"), data.load(data_dir, "validation")
    return mnist_recipe.train(recipe, *splits, out, quiet=True, **options)


def command(data_dir: Path, out: Path, *options: str) -> list[str]:
    return ["training.mnist", "--data-dir", str(data_dir), "--out", str(out), *options]


def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(
    tiny_mnist: Path, tmp_path: Path
) -> None:
    options = ("--epochs", "4", "--seed", "5")
    assert own_process.run(*command(tiny_mnist, tmp_path / "whole", *options)) == 0

    broken = tmp_path / "broken"
    process = own_process.start(*command(tiny_mnist, broken, *options))
    deadline = time.monotonic() + 120
    while not (broken / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    assert own_process.ended(process) == -signal.SIGKILL, "the run ended before it was killed"
    assert not (broken / "model.safetensors").exists()
    assert own_process.run(*command(tiny_mnist, broken, *options, "--resume")) == 0

    whole, resumed = (
        load_file(folder / "model.safetensors") for folder in (tmp_path / "whole", broken)
    )
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name], err_msg=name)
    record = json.loads((broken / "record.json").read_text())
    assert [row["epoch"] for row in record["history"]] == [1, 2, 3, 4]


def test_learns_and_records_how(tiny_mnist: Path, tmp_path: Path) -> None:
    recipe = mnist_recipe.MnistRecipe(
        epochs=8, batch=40, channels=(4, 8), augmentation=DigitAugmentation(translation=0.2)
    )
    record = train(tiny_mnist, tmp_path, recipe, seed=1)
    assert record["metrics"]["validation"] == {"accuracy": 1.0, "n": 40}
    assert record == json.loads((tmp_path / "record.json").read_text())
    assert record["recipe"]["augmentation"]["translation"] == 0.2
    assert record["history"][-1]["train"]["loss"] < record["history"][0]["train"]["loss"]
    assert record["hardware"]["cpu"]
    assert record["versions"]["numpy"] == np.__version__


def test_another_seed_gives_another_network(tiny_mnist: Path, tmp_path: Path) -> None:
    recipe = mnist_recipe.MnistRecipe(epochs=1, batch=40, channels=(4,))
    for seed in (0, 1):
        train(tiny_mnist, tmp_path / str(seed), recipe, seed=seed)
    first, second = (load_file(tmp_path / str(s) / "model.safetensors") for s in (0, 1))
    assert not np.array_equal(first["conv1.weight"], second["conv1.weight"])


def test_a_run_is_neither_overwritten_nor_mixed_with_another(
    tiny_mnist: Path, tmp_path: Path
) -> None:
    recipe = mnist_recipe.MnistRecipe(epochs=1, batch=40, channels=(4,))
    train(tiny_mnist, tmp_path, recipe)
    kept = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(TrainingError, match="already holds a run; add --resume"):
        train(tiny_mnist, tmp_path, recipe)
    with pytest.raises(TrainingError, match="another recipe, seed or data"):
        train(tiny_mnist, tmp_path, recipe, seed=1, resume=True)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == kept


def test_a_diverging_run_stops_and_keeps_its_last_checkpoint(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    real = mnist_recipe.softmax_cross_entropy

    def explode_in_the_second_epoch(
        *arguments: object, **options: object
    ) -> tuple[float, np.ndarray]:
        loss, gradient = real(*arguments, **options)
        return (float("nan") if checkpoint.exists() else loss), gradient

    monkeypatch.setattr(mnist_recipe, "softmax_cross_entropy", explode_in_the_second_epoch)
    with pytest.raises(TrainingError, match="loss became nan in epoch 2"):
        train(tiny_mnist, tmp_path)
    _, progress = load_checkpoint(checkpoint)
    assert len(progress["history"]) == 1


def test_missing_data_gets_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    done = commands.run(*command(tmp_path, tmp_path / "run"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: There is no MNIST in")
    assert "--download" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_data_file_is_named(tiny_mnist: Path, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (tiny_mnist / "mnist/MNIST/raw").iterdir():
        (raw / file.name).write_bytes(file.read_bytes())
    target = raw / "train-images-idx3-ubyte.gz"
    target.write_bytes(target.read_bytes()[:-200])
    with pytest.raises(TrainingError, match="train-images-idx3-ubyte cannot be read"):
        data.load(tmp_path, "train")


def test_a_damaged_checkpoint_is_reported(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"no such thing")
    with pytest.raises(TrainingError, match="is damaged, or no checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.safetensors")
    with pytest.raises(TrainingError, match="leave --resume out"):
        load_checkpoint(tmp_path / "nowhere" / "checkpoint.safetensors")


def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, {"network": {"w": np.ones(3)}}, {"epoch": 1})

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(TrainingError, match=r"No space left on device.*last checkpoint is kept"):
        save_checkpoint(path, {"network": {"w": np.zeros(3)}}, {"epoch": 2})
    groups, progress = load_checkpoint(path)
    assert progress == {"epoch": 1}
    np.testing.assert_array_equal(groups["network"]["w"], np.ones(3))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_splits_are_disjoint_and_cover_the_training_set(tiny_mnist: Path) -> None:
    train_set, validation = data.load(tiny_mnist, "train"), data.load(tiny_mnist, "validation")
    assert (len(train_set), len(validation)) == (440, 40)
    whole = sorted(
        image.tobytes() for image in np.concatenate([train_set.images, validation.images])
    )
    raw = tiny_mnist / "mnist/MNIST/raw/train-images-idx3-ubyte"
    assert whole == sorted(image.tobytes() for image in data._read_idx(raw))


def test_warp_without_a_change_is_the_identity_and_shifts_by_whole_pixels() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    identity = np.tile(np.eye(2, dtype=np.float32), (3, 1, 1))
    np.testing.assert_array_equal(warp(images, identity, np.zeros((3, 2), np.float32)), images)
    shifted = warp(images, identity, np.full((3, 2), [2, -1], np.float32))
    np.testing.assert_array_equal(shifted[:, :-2, 1:], images[:, 2:, :-1])
    assert not shifted[:, -2:].any()
    assert not shifted[:, :, 0].any()


def test_warp_agrees_with_scipy() -> None:
    from scipy.ndimage import affine_transform

    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (1, 28, 28), dtype=np.uint8)
    matrix = np.array([[0.9, 0.2], [-0.15, 1.1]])
    shift = np.array([0.7, -1.3])
    centre = np.array([13.5, 13.5])
    expected = affine_transform(
        image[0].astype(float), matrix, centre + shift - matrix @ centre, order=1, mode="constant"
    )
    warped = warp(image, matrix[None].astype(np.float32), shift[None].astype(np.float32))
    inside = (slice(4, 24), slice(4, 24))
    np.testing.assert_allclose(warped[0][inside], expected[inside], atol=1)


def test_augmentation_is_seeded_and_leaves_empty_images_empty() -> None:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (32, 28, 28), dtype=np.uint8)
    augment = DigitAugmentation()
    first, again = (augment(images, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, images)
    assert first.shape == images.shape
    assert first.dtype == np.uint8
    assert not augment(np.zeros_like(images), rng).any()


def test_stroke_augmentation_thickens_and_thins() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, 4:24, 12:16] = 200
    augment = DigitAugmentation(rotation=0, scale=0, shear=0, translation=0, stroke=1.0)
    ink = [int(augment(image, np.random.default_rng(s)).sum()) for s in range(40)]
    plain = int(image.sum())
    assert min(ink) < plain < max(ink)


def test_the_finished_network_is_calibrated(tiny_mnist: Path, tmp_path: Path) -> None:
    record = train(tiny_mnist, tmp_path)
    groups, _ = load_checkpoint(tmp_path / "checkpoint.safetensors")
    temperature = record["calibration"]["temperature"]
    np.testing.assert_allclose(
        load_file(tmp_path / "model.safetensors")["linear.weight"],
        groups["network"]["linear.weight"] / temperature,
        rtol=1e-6,
    )
    assert temperature != 1


def test_the_config_tells_the_threshold_that_the_record_measured(
    tiny_mnist: Path, tmp_path: Path
) -> None:
    record = train(tiny_mnist, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["ood_threshold"] == record["ood"]["threshold"]
    assert 0 <= record["ood"]["false_alarm_rate"] <= 1
    assert set(record["ood"]["detection_rates"]) == set(record["ood"]["ood_n"])


def test_outliers_are_pulled_towards_the_same_probability_for_every_class() -> None:
    logits = np.array([[4, 0, 0], [1, 1, 1]], np.float32)
    gradient = mnist_recipe.towards_even(logits)
    assert gradient[0, 0] > 0 > gradient[0, 1]
    np.testing.assert_allclose(gradient[1], 0, atol=1e-7)


def test_a_batch_holds_outliers_after_its_digits(tiny_mnist: Path) -> None:
    digits = data.load(tiny_mnist, "train")
    outliers = np.full((3, 28, 28), 255, np.uint8)
    for images, labels in mnist_recipe.augmented_batches(digits, outliers, RECIPE, 0, 0):
        assert len(labels) == RECIPE.batch
        assert len(images) == round(RECIPE.batch * (1 + RECIPE.outlier_share))
        bright = images.mean(axis=(1, 2, 3))
        assert bright[RECIPE.batch :].min() > bright[: RECIPE.batch].max()


def test_download_puts_the_files_where_they_are_looked_for(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torchvision's own class decides where files go; only its transfer is replaced."""
    from torchvision.datasets import MNIST

    def transfer(self: MNIST) -> None:
        raw = Path(self.raw_folder)
        raw.mkdir(parents=True)
        for file in (tiny_mnist / "mnist/MNIST/raw").iterdir():
            (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))

    monkeypatch.setattr(MNIST, "download", transfer)
    with pytest.raises(TrainingError, match="add --download"):
        data.load(tmp_path, "train")
    digits = data.load(tmp_path, "train", download=True)
    np.testing.assert_array_equal(digits.images, data.load(tiny_mnist, "train").images)


def test_a_failed_download_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import MNIST

    def refuse(self: MNIST) -> None:
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(MNIST, "download", refuse)
    with pytest.raises(TrainingError, match="could not be downloaded"):
        data.load(tmp_path, "train", download=True)


def test_a_run_that_stops_within_an_epoch_draws_dropout_on_as_it_would_have(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, epochs=2)
    train(tiny_mnist, tmp_path / "whole", recipe)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    learn = mnist_recipe.MnistLearner.learn

    def stop(self: mnist_recipe.MnistLearner, batch: object, step: int) -> np.ndarray:
        if step == 17:  # of 22, of which the second epoch begins with number 11
            raise KeyboardInterrupt
        return learn(self, batch, step)

    monkeypatch.setattr(mnist_recipe.MnistLearner, "learn", stop)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_mnist, tmp_path / "broken", recipe)
    _, progress = load_checkpoint(tmp_path / "broken" / "checkpoint.safetensors")
    assert progress["step"] == 15
    monkeypatch.setattr(mnist_recipe.MnistLearner, "learn", learn)
    train(tiny_mnist, tmp_path / "broken", recipe, resume=True)
    whole, resumed = (
        load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken")
    )
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name], err_msg=name)


@pytest.mark.parametrize("count", [130, 11])
def test_too_few_digits_are_told_before_training(count: int, tmp_path: Path) -> None:
    digits = data.Digits(np.zeros((count, 28, 28), np.uint8), np.zeros(count, np.uint8))
    nothing = data.Digits(digits.images[:0], digits.labels[:0])
    held = nothing if count == 11 else digits
    recipe = replace(RECIPE, batch=10 if count == 11 else 200)
    with pytest.raises(TrainingError, match=r"at least 200|too few"):
        mnist_recipe.train(recipe, digits, held, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_file_damaged_anywhere_is_named_in_one_sentence(tmp_path: Path) -> None:
    whole = gzip.compress(bytes([0, 0, 8, 1, 0, 0, 2, 0]) + bytes(range(256)) * 2)
    rng = np.random.default_rng(0)
    said = []
    for _ in range(200):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), 3):
            content[place] ^= int(rng.integers(1, 256))
        cut = int(rng.integers(0, len(content))) if rng.random() < 0.5 else None
        (tmp_path / "x.gz").write_bytes(content[:cut])
        try:
            data._read_idx(tmp_path / "x")
        except TrainingError as error:
            said.append(str(error))
    assert len(said) > 150
    assert all("x cannot be read (" in text and "\n" not in text for text in said)


@pytest.mark.parametrize("state", ["one file", "cut off"])
def test_a_download_that_was_stopped_starts_again(
    state: str, tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import MNIST

    def transfer(self: MNIST) -> None:
        for file in (tiny_mnist / "mnist/MNIST/raw").iterdir():
            if not (target := Path(self.raw_folder) / file.stem).exists():
                target.write_bytes(gzip.decompress(file.read_bytes()))

    raw = tmp_path / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (tiny_mnist / "mnist/MNIST/raw").iterdir():
        content = gzip.decompress(file.read_bytes())
        if file.stem == "train-labels-idx1-ubyte":
            content = content[:60]
        if state == "cut off" or file.stem == "train-images-idx3-ubyte":
            (raw / file.stem).write_bytes(content)
    with pytest.raises(TrainingError, match=r"train-labels-idx1-ubyte .*add --download"):
        data.load(tmp_path, "train")
    monkeypatch.setattr(MNIST, "download", transfer)
    assert len(data.load(tmp_path, "train", download=True)) == 440
