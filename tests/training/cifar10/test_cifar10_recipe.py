"""The CIFAR-10 recipe: learning, resuming, several processes, calibration, errors."""

from __future__ import annotations

import json
import math
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests import commands, own_process
from tests.training.tiny_images import CPU, TINY, make_images, write_batches
from training import evaluate
from training.cifar10 import cifar10_recipe
from training.cifar10.cifar10_record import train_pflop
from training.cifar10.cifar10_settings import PRESETS, Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.data.augment_images import ImageAugmentation, normalize
from training.data.cifar_images import LabelledImages
from training.data.image_batches import Plan, batches
from training.engine import loop
from training.engine.checkpoint import load_checkpoint
from training.engine.failures import TrainingError
from training.engine.muon import Muon, orthogonalize
from training.engine.recipe_json import plain
from training.finish import export_first
from training.metrics.class_predictions import measure, predict, views
from zoo.networks.cifar_net import CifarNet

TINY_COMMAND = "tests.training.tiny_cifar10_command"
TRAINING, VALIDATION = make_images(120), make_images(30, seed=1)

pytestmark = pytest.mark.usefixtures("one_thread")


def train(out: Path, recipe: Cifar10Recipe = TINY, validation=VALIDATION, **options) -> dict:
    return cifar10_recipe.train(recipe, TRAINING, validation, out, CPU, quiet=True, **options)


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def assert_same(first: Path, second: Path) -> None:
    expected, got = weights(first), weights(second)
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, got[name], err_msg=name)


@pytest.mark.parametrize("keep_ratio", [1.0, 0.5])
def test_overfits_32_images(keep_ratio: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = LabelledImages(
        rng.integers(0, 256, (32, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 32)
    )
    recipe = replace(
        TINY, epochs=round(45 / keep_ratio), batch=16, keep_ratio=keep_ratio, widths=(16, 32, 32),
        augmentation=ImageAugmentation(flip=False, translate=0),
    )  # fmt: skip
    record = cifar10_recipe.train(recipe, noise, noise, tmp_path, CPU, quiet=True)
    assert record["metrics"]["validation"]["accuracy"] == 1.0


def test_the_proxy_selects_the_hardest_but_not_at_first() -> None:
    run = cifar10_recipe.Cifar10Learner(TINY, TRAINING, None, CPU, 0)
    inputs, labels = next(batches(run.plan, 0, 0, CPU.processes))
    early = run.hardest(inputs, labels, 1)  # a step in which the proxy does not learn
    torch.testing.assert_close(early, (inputs[:20], labels[:20]))
    late = run.main.total_steps - 2
    losses, _ = run.proxy.losses(inputs, labels)
    chosen, hard_labels = run.hardest(inputs, labels, late)
    order = losses.argsort(descending=True)[:20]
    torch.testing.assert_close(chosen, inputs[order])
    torch.testing.assert_close(hard_labels, labels[order])
    before = [p.clone() for p in run.proxy.network.parameters()]
    run.hardest(inputs, labels, late)
    assert all(map(torch.equal, before, run.proxy.network.parameters())), "learned off its turn"
    run.hardest(inputs, labels, late - late % TINY.proxy_interval)
    assert not all(map(torch.equal, before, run.proxy.network.parameters()))


def test_images_are_small_for_the_first_part_of_a_run() -> None:
    recipe = replace(TINY, low_res=((1 / 3, 16), (2 / 3, 24)))
    images, labels = torch.from_numpy(TRAINING.images), torch.from_numpy(TRAINING.labels)
    plan = Plan(images, labels, recipe.augmentation, recipe.batch, seed=0)
    learner = CifarStudent(recipe, recipe.widths, recipe.depth, plan, CPU)
    sizes: list[int] = []
    learner.network.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[-1]))
    for step in range(learner.total_steps):
        learner.begin(step)
        learner.losses(*next(batches(plan, 0, 0, CPU.processes)))
    assert sizes == [16] * 3 + [24] * 3 + [32] * 3


def command(data: Path, out: Path, *options: str, batch: int = 20) -> list[str]:
    where = [str(batch), "--data-dir", str(data), "--out", str(out), "--seed", "5"]
    return [TINY_COMMAND, *where, "--device", "cpu", "--precision", "float32", *options]


def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    data, whole, broken = (tmp_path / name for name in ("data", "whole", "broken"))
    write_batches(data / "cifar-10-batches-py", make_images(150), VALIDATION)
    assert own_process.run(*command(data, whole, "--epochs", "4")) == 0

    process = own_process.start(*command(data, broken, "--epochs", "4"))
    deadline = time.monotonic() + 120
    while not (broken / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    assert own_process.ended(process) == -signal.SIGKILL, "the run ended before it was killed"
    assert not (broken / "model.safetensors").exists()
    assert own_process.run(*command(data, broken, "--epochs", "4", "--resume")) == 0

    assert_same(whole, broken)
    record = json.loads((broken / "record.json").read_text())
    assert [row["epoch"] for row in record["history"]] == [1, 2, 3, 4]
    assert [r["compute"] for r in record["resumed"]] == [record["compute"]]


def test_a_resumed_run_goes_on_in_the_middle_of_an_epoch(tmp_path: Path, monkeypatch) -> None:
    recipe = replace(TINY, batch=10)  # twelve steps an epoch
    whole = train(tmp_path / "whole", recipe)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    real, saves = loop.save_checkpoint, []

    def stop_after_the_fourth(path: Path, groups: dict, progress: dict) -> None:
        real(path, groups, progress)
        saves.append(progress["step"])
        if len(saves) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_checkpoint", stop_after_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", recipe)
    assert saves == [5, 10, 12, 15]
    resumed = train(tmp_path / "broken", recipe, resume=True)
    assert_same(tmp_path / "whole", tmp_path / "broken")
    for row, expected in zip(resumed["history"], whole["history"], strict=True):
        assert row["train"] == expected["train"]
        assert row["validation"] == expected["validation"]


def test_two_processes_learn_like_one(tmp_path: Path) -> None:
    write_batches(tmp_path / "cifar-10-batches-py", make_images(150), VALIDATION)
    alone, together = (
        command(tmp_path, tmp_path / name, "--epochs", "6", batch=40) for name in ("one", "two")
    )
    assert own_process.run(*alone) == 0
    assert own_process.run_together(2, *together) == [0, 0]
    first, second = (json.loads((tmp_path / n / "record.json").read_text()) for n in ("one", "two"))
    assert (first["compute"]["processes"], second["compute"]["processes"]) == (1, 2)
    # Each process normalizes its own half of the batch, so the runs differ a little.
    losses = [record["history"][-1]["train"]["loss"] for record in (first, second)]
    assert losses[1] == pytest.approx(losses[0], rel=0.25)
    assert max(losses) < 0.9 * first["history"][0]["train"]["loss"]


def test_the_record_and_config_say_how_it_was_made(tmp_path: Path) -> None:
    record = train(tmp_path, seed=1)
    assert record == json.loads((tmp_path / "record.json").read_text())
    assert record["recipe"] == plain(TINY)
    assert record["seed"] == 1
    assert record["images"] == 120
    assert record["parameters"] == sum(
        a.size for n, a in weights(tmp_path).items() if "running" not in n and "num_" not in n
    )
    assert record["compute"]["precision"] == "float32"
    assert torch.__version__.startswith(record["versions"]["torch"])
    assert len(record["history"]) == TINY.epochs
    rates = [row["learning_rate"] for row in record["history"]]
    assert rates == sorted(rates, reverse=True)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["arguments"] == {"widths": [8, 16, 16], "depth": 3, "classes": 10}
    assert config["ood_threshold"] == record["ood"]["threshold"]
    assert config["labels"][3] == "cat"


def test_the_zoo_prepares_and_answers_as_training_did(tmp_path: Path) -> None:
    train(tmp_path)
    model = evaluate._load("cifar10", "cpu", tmp_path)
    ours = normalize(torch.from_numpy(VALIDATION.images)).numpy()
    theirs = np.stack([model.preprocess(image) for image in VALIDATION.images])
    np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))
    logits = predict(model.network, VALIDATION.images, CPU)
    answers = model.predict_batch(VALIDATION.images)
    np.testing.assert_allclose(logits, np.stack([a.logits for a in answers]), atol=1e-5)


def test_evaluate_and_finish_measure_the_test_set_once(tmp_path: Path, monkeypatch) -> None:
    write_batches(tmp_path / "data" / "cifar-10-batches-py", make_images(150), VALIDATION)
    train(tmp_path / "run")
    monkeypatch.setattr("training.finish.export", lambda folder: folder)
    recorded: list[str] = []
    monkeypatch.setattr("training.finish.top_activation_record.write", recorded.append)
    monkeypatch.setattr("training.metrics.error_samples.SAMPLES", tmp_path / "samples")
    shipped = export_first({0: tmp_path / "run"}, tmp_path / "data")
    record = json.loads((shipped / "record.json").read_text())
    assert record["metrics"]["test"]["n"] == 30
    test = record["metrics"]["test"]["accuracy"]
    validation = record["metrics"]["validation"]["accuracy"]
    assert test == pytest.approx(validation)  # the same images in this test
    row = {"seed": 0, "validation_accuracy": validation, "test_accuracy": test}
    assert record["seeds"] == [row]
    assert recorded == [shipped.name]
    assert record["stored"] == "kernels in float16"
    assert abs(record["stored_change"]["validation accuracy"]) < 1.01 / 30
    folders = (tmp_path / "run", shipped)
    whole, half = ((folder / "model.safetensors").stat().st_size for folder in folders)
    assert half < 0.7 * whole
    kept = list((tmp_path / "samples" / "cifar10_errors").glob("*.png"))
    assert len(kept) == len(record["confident_errors"]) == 30 - round(30 * test)


def test_a_final_run_takes_its_calibration_from_the_validation_run(tmp_path: Path) -> None:
    validated = train(tmp_path / "validation")
    final = train(tmp_path / "final", validation=None, calibrated_by=tmp_path / "validation")
    temperature = validated["calibration"]["temperature"]
    assert final["calibration"]["temperature"] == temperature
    assert "validation run" in final["calibration"]["weights"]
    assert (
        final["metrics"]["validation"]["accuracy"]
        == (validated["metrics"]["validation"]["accuracy"])
    )
    assert all("validation" not in row for row in final["history"])
    # Here both learned from the same images, so the same weights follow.
    assert_same(tmp_path / "validation", tmp_path / "final")
    bare = train(tmp_path / "bare", validation=None)
    assert "calibration" not in bare
    np.testing.assert_allclose(
        weights(tmp_path / "bare")["head.weight"] / temperature,
        weights(tmp_path / "final")["head.weight"],
        rtol=1e-6,
    )
    path = tmp_path / "validation" / "record.json"
    older = json.loads(path.read_text())
    del older["recipe"]["low_res"]  # a setting that came later
    path.write_text(json.dumps(older))
    train(tmp_path / "later", validation=None, calibrated_by=tmp_path / "validation")
    other = replace(TINY, epochs=1)
    with pytest.raises(TrainingError, match="no validation run with this recipe"):
        train(tmp_path / "o", other, validation=None, calibrated_by=tmp_path / "validation")
    with pytest.raises(TrainingError, match="holds no finished run"):
        train(tmp_path / "p", other, validation=None, calibrated_by=tmp_path / "nowhere")


def test_a_second_part_begins_with_the_first_and_says_so(tmp_path: Path) -> None:
    first = train(tmp_path / "first")
    still = replace(
        TINY, epochs=1, muon_lr=1e-9, bias_lr=1e-9, head_lr=1e-9, weight_decay=0,
        whiten_epochs=0,
    )  # fmt: skip
    begun = {"init_from": tmp_path / "first"}
    record = train(tmp_path / "second", still, seed=1, **begun)
    expected, got = weights(tmp_path / "first"), weights(tmp_path / "second")
    for name in ("whiten.weight", "whiten.bias"):
        np.testing.assert_allclose(got[name], expected[name], atol=1e-6)
    # Both divide the head by their own temperature, and neither by the other's.
    temperatures = [r["calibration"]["temperature"] for r in (first, record)]
    ratio = got["head.weight"] / expected["head.weight"]
    np.testing.assert_allclose(ratio, temperatures[0] / temperatures[1], rtol=1e-3)
    assert [row["epoch"] for row in record["history"]] == [1, 2, 3, 4]
    assert record["history"][:3] == first["history"]
    assert (record["seed"], record["init_from"]["seed"]) == (1, 0)
    assert record["init_from"]["epochs"] == 3
    assert record["train_pflop"] == pytest.approx(first["train_pflop"] * 4 / 3, abs=2e-4), "of both"
    again = train(tmp_path / "second", still, seed=1, resume=True, **begun)
    assert again["init_from"] == record["init_from"]


def test_a_second_part_needs_a_first_that_saw_no_validation_image(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no finished run"):
        train(tmp_path / "b", init_from=tmp_path / "a")
    more = make_images(130)
    cifar10_recipe.train(TINY, more, None, tmp_path / "a", CPU, quiet=True)
    with pytest.raises(TrainingError, match="learned from the validation images too"):
        train(tmp_path / "b", init_from=tmp_path / "a")
    record = cifar10_recipe.train(
        TINY, more, None, tmp_path / "b", CPU, quiet=True, init_from=tmp_path / "a"
    )
    assert "calibration" not in record


def test_a_diverging_run_stops_and_keeps_its_last_checkpoint(tmp_path: Path, monkeypatch) -> None:
    calls = iter(range(1000))
    real = CifarStudent.losses

    def explode_in_the_second_epoch(self, inputs, labels):
        losses, logits = real(self, inputs, labels)
        return (losses * math.nan if next(calls) > 8 else losses), logits

    monkeypatch.setattr(CifarStudent, "losses", explode_in_the_second_epoch)
    with pytest.raises(TrainingError, match=r"became nan in epoch 2; the last checkpoint is kept"):
        train(tmp_path)
    groups, progress = load_checkpoint(tmp_path / "checkpoint.safetensors")
    assert len(progress["history"]) == 1
    assert all(np.isfinite(array).all() for array in groups["main-network"].values())


def test_a_run_is_neither_overwritten_nor_mixed_with_another(tmp_path: Path) -> None:
    recipe = replace(TINY, epochs=1)
    train(tmp_path, recipe)
    kept = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(TrainingError, match="already holds a run; add --resume"):
        train(tmp_path, recipe)
    with pytest.raises(TrainingError, match="seed was 0 and is 1"):
        train(tmp_path, recipe, seed=1, resume=True)
    with pytest.raises(TrainingError, match="epochs was 1 and is 3"):
        train(tmp_path, resume=True)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == kept
    before = weights(tmp_path)["head.weight"]
    train(tmp_path, recipe, resume=True)  # finished already: it is written again, unchanged
    np.testing.assert_array_equal(weights(tmp_path)["head.weight"], before)


def test_bad_input_gets_one_line(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path), "--out", str(tmp_path / "x"))
    done = commands.run("training.cifar10", *where)
    assert done.returncode == 2
    assert done.stderr.startswith("error: There is no CIFAR-10 in")
    assert done.stderr.count("\n") == 1
    with pytest.raises(TrainingError, match="A batch of 500 does not suit 120 training images"):
        train(tmp_path / "y", replace(TINY, batch=500))


def test_the_presets_keep_to_the_limits() -> None:
    for recipe in PRESETS.values():
        network = CifarNet(recipe.widths, recipe.depth)
        sizes = [parameter.numel() for parameter in network.parameters()]
        assert sum(sizes) < 10e6
        assert 2 * sum(sizes) < 19.9e6  # in half precision


def test_the_arithmetic_counts_selection_and_small_images() -> None:
    fast = PRESETS["fast"]
    assert 0.2 < train_pflop(fast, 50_000) < 0.3
    whole = replace(fast, low_res=(), epochs=10)
    assert 0.3 < train_pflop(whole, 50_000) < 0.4
    unit = train_pflop(whole, 50_000)
    at_24, at_20 = (train_pflop(replace(whole, low_res=((1.0, s),)), 50_000) for s in (24, 20))
    assert 0.5 < at_24 / unit < (24 / 32) ** 2
    mixed = train_pflop(replace(whole, low_res=((0.25, 20), (0.5, 24))), 50_000)
    assert mixed == pytest.approx(0.25 * at_20 + 0.25 * at_24 + 0.5 * unit)
    selecting = replace(whole, keep_ratio=0.5, selection_start=0.5)
    more = train_pflop(selecting, 50_000) / train_pflop(whole, 50_000)
    assert 0.5 < more < 0.6, "half the images, and what the proxy costs"


def test_six_views_weigh_one_and_see_the_image_and_its_mirror() -> None:
    inputs = torch.randn(2, 3, 32, 32)
    seen = views(inputs)
    assert len(seen) == 6
    assert sum(weight for weight, _ in seen) == 1
    torch.testing.assert_close(seen[0][1], inputs)
    torch.testing.assert_close(seen[1][1], inputs.flip(3))
    torch.testing.assert_close(seen[2][1][:, :, 1:, 1:], inputs[:, :, :-1, :-1])
    torch.testing.assert_close(seen[4][1][:, :, :-1, :-1], inputs[:, :, 1:, 1:])
    torch.manual_seed(0)
    network = CifarNet((4, 8, 8))
    mirrored = LabelledImages(VALIDATION.images[:, :, ::-1].copy(), VALIDATION.labels)
    with_views = [measure(network, p, CPU, augmented=True)["loss"] for p in (VALIDATION, mirrored)]
    assert with_views[0] == pytest.approx(
        with_views[1], rel=1e-4
    )  # the shifts lie along one diagonal


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16)])
def test_orthogonalizing_brings_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    update = orthogonalize(matrix, steps=5)
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    rotated = u.T @ update @ v.T  # diagonal if the singular vectors are the matrix's own
    torch.testing.assert_close(rotated, rotated.diag().diag(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("steps", [1, 3, 5])
@pytest.mark.parametrize("shape", [(32, 90), (90, 32)])
def test_orthogonalizing_is_the_published_iteration(shape: tuple[int, int], steps: int) -> None:
    random = torch.Generator().manual_seed(0)
    u, v = (torch.linalg.qr(torch.randn(n, 32, generator=random))[0] for n in shape)
    matrix = u * torch.exp(-torch.arange(32) / 4) @ v.T  # nearly of low rank, as gradients are
    x = matrix.double() / matrix.double().norm()
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    got = orthogonalize(matrix, steps)
    torch.testing.assert_close(got.double(), x, rtol=0, atol=1e-3)


def test_muon_gives_a_kernel_the_orthogonal_of_its_matrix_however_it_lies_in_memory() -> None:
    random = torch.Generator().manual_seed(0)
    kernel, gradient = (torch.randn(6, 4, 3, 3, generator=random) for _ in range(2))
    update = orthogonalize(gradient.flatten(1)).view_as(kernel)
    expected = kernel * (6**0.5 / kernel.norm()) - 0.1 * update
    for order in (torch.contiguous_format, torch.channels_last):
        weight = torch.nn.Parameter(kernel.clone(memory_format=order))
        weight.grad = gradient.contiguous(memory_format=order)
        Muon([weight], lr=0.1, momentum=0.6).step()
        torch.testing.assert_close(weight.detach(), expected)


def test_muon_steps_by_the_learning_rate_whatever_the_gradient() -> None:
    moved = []
    for scale in (1e-3, 1e3):
        weight = torch.nn.Parameter(torch.eye(8).reshape(8, 8, 1, 1))
        weight.grad = scale * torch.randn(8, 8, 1, 1, generator=torch.Generator().manual_seed(0))
        Muon([weight], lr=0.1, momentum=0.6).step()
        moved.append((weight.detach() - torch.eye(8).reshape(8, 8, 1, 1)).norm())
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-3, atol=0)
    assert 0.05 < float(moved[0]) / 8**0.5 < 0.13
