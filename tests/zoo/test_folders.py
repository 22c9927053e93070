"""Folders of images: all of them, a bad one told at the end, and going on after an interruption."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image

from tests import red_cars
from zoo import __main__ as command
from zoo import folders
from zoo.folders import JOURNAL, Journal, images_in, predict_all
from zoo.segmentation.saving import Saver

COUNT = 9


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of photos with a red box of another size each, and a text file."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(COUNT):
        image = Image.new("RGB", (64, 48), "blue")
        image.paste("red", (4, 4, 20 + 4 * number, 40))
        image.save(folder / ("more" if number % 2 else ".") / f"{number}.png")
    (folder / "notes.txt").write_text("no image")
    (folder / "bad.jpg").write_text("hello")
    return folder


@pytest.fixture
def red(monkeypatch: pytest.MonkeyPatch):
    model = red_cars.red_model()
    monkeypatch.setattr(command, "_load", lambda _options, **_more: model)
    return model


def run(photos: Path, out: Path, *more: str) -> int:
    return command.main(["predict", "carvana", str(photos), "--save-cutout", str(out), *more])


def test_all_images_of_a_folder_are_answered_and_the_bad_one_is_told(
    red, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(photos, out, "--json") == 1
    captured = capsys.readouterr()
    assert captured.err.count("bad.jpg") == 1
    answers = json.loads(captured.out)
    assert [Path(a["image"]).name for a in answers] == [
        *(f"{n}.png" for n in range(0, COUNT, 2)), *(f"{n}.png" for n in range(1, COUNT, 2))
    ]  # fmt: skip
    assert len(list(out.iterdir())) == COUNT, "no journal is left"
    for answer in answers:
        opaque = np.asarray(Image.open(answer["cutout"]))[..., 3] > 127
        assert opaque.mean() == pytest.approx(answer["area"], abs=0.02)


def test_what_lies_in_the_folder_of_results_is_none_of_the_images(
    red, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = photos / "cut"
    for _ in range(2):
        assert run(photos, inside, "--json") == 1
        assert len(json.loads(capsys.readouterr().out)) == COUNT
    assert run(photos, photos) == 2
    assert "name another folder" in capsys.readouterr().err
    (photos / "empty").mkdir()
    assert run(photos / "empty", inside) == 2
    assert "holds no images" in capsys.readouterr().err


def test_an_interrupted_folder_goes_on_where_it_was(
    red, photos: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(photos, whole, "--json")
    expected = json.loads(capsys.readouterr().out)
    asked: list[tuple[int, int]] = []
    predict = red.predict

    def stop(image):
        if len(asked) == 5:
            raise KeyboardInterrupt
        asked.append(image.size)
        return predict(image)

    monkeypatch.setattr(red, "predict", stop)
    assert run(photos, out, "--json") == 130
    assert (out / JOURNAL).exists()
    with (out / JOURNAL).open("a") as file:
        file.write('{"path": "cut o')
    monkeypatch.setattr(red, "predict", lambda image: asked.append(image.size) or predict(image))
    capsys.readouterr()
    assert run(photos, out, "--json") == 1
    captured = capsys.readouterr()
    assert "are done already" in captured.err
    assert len(asked) == COUNT, "none is asked about twice"
    answers = json.loads(captured.out)
    assert [a["image"] for a in answers] == [a["image"] for a in expected]
    assert [a["area"] for a in answers] == [a["area"] for a in expected]
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in whole.iterdir()
    }


def test_other_settings_begin_anew_and_lost_results_are_made_again(
    red, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    paths = images_in([str(photos / "more")])

    def some(settings: dict[str, int], count: int) -> int:
        """Go through some of the images; return how many were done before."""
        journal = Journal(out, settings)
        before = len(journal.done)
        outcomes = predict_all(red, paths, Saver(None, out), journal=journal)
        for _ in range(count):
            next(outcomes)
        outcomes.close()
        return before

    assert some({"a": 1}, 1) == 0
    done = len(Journal(out, {"a": 1}).done)
    assert done >= 1
    next(iter(out.glob("*.png"))).unlink()
    assert len(Journal(out, {"a": 1}).done) == done - 1
    assert some({"a": 2}, 1) == 0


def test_reading_and_writing_overlap_with_the_network(
    red, photos: Path, tmp_path: Path, monkeypatch
) -> None:
    """The first image is answered only once the second was read, and written after the second's."""
    read, answered = Event(), Event()
    paths = images_in([str(photos / "more")])
    opened, predict, write = folders.open_image, red.predict, Saver.write

    def note(path, **options):
        if path == paths[1]:
            read.set()
        return opened(path, **options)

    def answer(image):
        assert read.wait(20), "nothing is read while the network works"
        if calls:
            answered.set()
        calls.append(image)
        return predict(image)

    def late(self, *arguments):
        assert answered.wait(20), "the network waits for what is written"
        return write(self, *arguments)

    calls: list[Image.Image] = []
    monkeypatch.setattr(folders, "open_image", note)
    monkeypatch.setattr(red, "predict", answer)
    monkeypatch.setattr(Saver, "write", late)
    outcomes = list(predict_all(red, paths, Saver(None, tmp_path / "out")))
    assert [outcome.path for outcome in outcomes] == paths
    assert not any(outcome.error for outcome in outcomes)
