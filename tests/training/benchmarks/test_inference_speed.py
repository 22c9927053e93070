"""The README's column of speeds comes from this benchmark's record."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.benchmarks import inference_speed
from training.documents import readme_blocks
from training.engine.failures import TrainingError
from zoo import experiments


def test_a_recorded_measurement_fills_the_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"mnist": 0.0011, "cifar10": 0.0072, "carvana": 0.0493}
    times = {(name, 1): (spent, 9) for name, spent in seconds.items()}
    times |= {(name, 4): (3 * spent, 9) for name, spent in seconds.items()}
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    assert readme_blocks.NOT_MEASURED in readme_blocks.models_table()
    monkeypatch.setattr(inference_speed, "calls", lambda names: {})
    monkeypatch.setattr(inference_speed, "take_turns", lambda cases, rounds: times)
    assert inference_speed.main(["--folder", str(tmp_path), "--busy"]) == 0
    recorded = experiments.experiment("inference_speed")
    assert [row["images_per_second"] for row in recorded.rows] == pytest.approx(
        [4 / (3 * spent) for spent in seconds.values()]
    )
    table = readme_blocks.models_table()
    assert readme_blocks.NOT_MEASURED not in table
    for text in ("| 1.1 ms |", "| 7.2 ms |", "| 49.3 ms |", recorded.command):
        assert text in table


def test_a_busy_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference_speed, "others_busy", lambda: 0.5)
    with pytest.raises(TrainingError, match="50 %"):
        inference_speed.main(["--folder", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_what_others_use_is_read_from_linuxs_counters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two cores that this process may use one works throughout; a third one is not its own."""
    stat, seconds = tmp_path / "stat", [0]

    def pass_by(_: float = 0) -> None:
        seconds[0] += 100
        t = seconds[0]
        stat.write_text(f"cpu 9 9 9\ncpu0 {t} 0 0 0 0 0 0 0 5 5\ncpu1 0 0 0 {t} 0 0 0 0\ncpu2 {t}")

    pass_by()
    monkeypatch.setattr(inference_speed, "cores", lambda: [0, 1])
    monkeypatch.setattr(inference_speed.time, "sleep", pass_by)
    assert inference_speed.others_busy(stat=stat) == pytest.approx(0.5)


def test_every_model_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one image and with several; beside them the network that everybody knows."""
    made = inference_speed.calls(["mnist"])
    assert set(made) == {("mnist", 1), ("mnist", 128), ("resnet18", 1), ("resnet18", 128)}
    assert made["mnist", 1]().shape == (1, 10)
