"""The benchmark's other recipe: whole-epoch augmentation, and the prediction of its time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.training.tiny_images import CPU, TINY, make_images
from training.benchmarks import cifar_time_to_94 as benchmark
from training.cifar10.weight_gradients import SideBySideConv2d
from training.data.augment_images import normalize
from training.engine.compute import ComputeConfig
from training.engine.failures import TrainingError


@pytest.fixture
def airbench(monkeypatch: pytest.MonkeyPatch) -> benchmark.Airbench:
    recipe = replace(benchmark.AIRBENCH, epochs=4, batch=20, widths=TINY.widths)
    monkeypatch.setattr(benchmark, "AIRBENCH", recipe)
    return benchmark.Airbench(make_images(50), CPU, seed=0)


def test_an_epoch_shows_each_image_once_shifted_and_mirrored_in_turns(airbench) -> None:
    torch.manual_seed(0)
    cropped = benchmark._crop_all(airbench.padded)
    whole = airbench.padded.unfold(2, 32, 1).unfold(3, 32, 1)  # (N, 3, 5, 5, 32, 32)
    matches = (whole == cropped[:, :, None, None]).flatten(4).all(dim=4).all(dim=1)
    assert matches.flatten(1).any(dim=1).all(), "a crop is no window of its image"
    assert matches.flatten(1).int().argmax(dim=1).unique().numel() > 10
    batches = list(airbench.batches(0))
    assert [len(labels) for _, labels in batches] == [20, 20]
    assert batches[0][0].is_contiguous(memory_format=torch.channels_last)
    centre = airbench.padded[:, :, 2:-2, 2:-2]
    plain = normalize(airbench.plan.images)
    same = (centre == plain).flatten(1).all(dim=1)
    mirrored = (centre == plain.flip(3)).flatten(1).all(dim=1)
    assert (same | mirrored).all()
    assert same.any()
    assert mirrored.any()


def test_the_stages_are_where_the_kind_of_step_changes(airbench) -> None:
    learner = airbench.learner  # 4 epochs × 2 steps
    learner.whiten_steps, learner.sizes = 6, [(4, 24), (8, None)]
    assert benchmark.stages(learner) == [
        benchmark.TimedStage(0, 4), benchmark.TimedStage(4, 2), benchmark.TimedStage(6, 2),
    ]  # fmt: skip
    learner.whiten_steps, learner.sizes = 8, [(8, None)]
    assert benchmark.stages(learner) == [benchmark.TimedStage(0, 8)]


def test_the_prediction_adds_up_the_parts(airbench) -> None:
    airbench.learner.whiten_steps = 6
    parts = benchmark.Parts(prepare=1.0, steps=(10.0, 100.0))
    assert benchmark.predict_seconds(airbench, parts) == 4 * 1 + 6 * 10 + 2 * 100


def test_the_other_recipe_keeps_the_convolutions_of_its_script(airbench) -> None:
    bfloat16 = ComputeConfig(CPU.processes, "bfloat16")
    fast = replace(benchmark.FAST, batch=10, widths=TINY.widths)
    ours = benchmark.Contender(fast, make_images(50), bfloat16, seed=0)
    theirs = benchmark.Airbench(make_images(50), bfloat16, seed=0)
    kinds = [type(c.learner.network.block3.conv2) for c in (ours, theirs)]
    assert kinds == [SideBySideConv2d, torch.nn.Conv2d]


def test_both_recipes_are_timed_and_trained(airbench) -> None:
    fast = replace(benchmark.FAST, epochs=4, batch=10, widths=TINY.widths, low_res=((0.5, 24),))
    ours = benchmark.Contender(fast, make_images(50), CPU, seed=0)
    assert len(benchmark.stages(ours.learner)) == 3
    timed = benchmark.time_parts({"a": ours}, rounds=1)
    assert len(timed["a"].steps) == 3
    assert min(timed["a"].steps) > 0
    found = benchmark.train(airbench, make_images(20, seed=1))
    assert found["seconds"] > 0
    assert 0 <= found["accuracy"] <= 1


def test_the_finding_is_worded_from_the_rows() -> None:
    rows = [
        {"recipe": name, "accuracy": accuracy}
        for name, accuracy in (("fast", 0.94), ("airbench94_muon", 0.93), ("fast", 0.96))
    ]
    said = benchmark.finding(rows, 0.98, test=True)
    assert "0.98 times" in said
    assert "95.00 ± 12.71 % (n=2)" in said
    assert "93.00 % (n=1)" in said
    assert "test image" in said
    assert "reaches" not in benchmark.finding([{"recipe": "fast"}], 1.0, test=False)


def test_a_variant_of_the_preset_changes_numbers_and_image_sizes() -> None:
    changed = benchmark.change_recipe(benchmark.FAST, ["epochs=9", "low_res=0.3:20,0.6:24"])
    assert changed == replace(benchmark.FAST, epochs=9, low_res=((0.3, 20), (0.6, 24)))
    assert benchmark.change_recipe(benchmark.FAST, ["low_res="]).low_res == ()
    assert benchmark.change_recipe(benchmark.FAST, ["activation=gelu"]).activation == "gelu"
    for wrong in (
        "epoch=9", "widths=3", "epochs=many", "epochs", "augmentation=1", "low_res=0.3",
        "low_res=0.6:20,0.3:24", "activation=sine", "low_res=0.5:64", "low_res=2:24",
    ):  # fmt: skip
        with pytest.raises(TrainingError, match="--change"):
            benchmark.change_recipe(benchmark.FAST, [wrong])


def test_a_variants_result_does_not_replace_the_presets(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["cifar_time_to_94", "--data-dir", "d", "--change", "epochs=9"])
    with pytest.raises(TrainingError, match="--folder"):
        benchmark.main()
