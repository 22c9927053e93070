import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.zoo.conftest import Bundle
from zoo.__main__ import main


@pytest.fixture
def image(tmp_path: Path, digit: np.ndarray) -> str:
    path = tmp_path / "seven.png"
    Image.fromarray(digit).save(path)
    return str(path)


def run(
    capsys: pytest.CaptureFixture[str], *arguments: str, lines: int = 1
) -> tuple[int, str, str]:
    """Run the command; on stderr are at most so many lines."""
    code = main(arguments)
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) <= lines
    return code, captured.out, captured.err


def test_list(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "mnist" in out
    assert "50.00%" in out
    code, out, _ = run(capsys, "list", "--json")
    assert [model["name"] for model in json.loads(out)] == ["mnist"]


def test_info(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info", "mnist")
    assert code == 0
    assert "sha256" in out
    code, out, _ = run(capsys, "info", "mnist", "--json")
    assert json.loads(out)["metrics"] == {"accuracy": 0.5}


def test_info_of_an_unknown_model(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "info", "mnits")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "did you mean 'mnist'" in err


def test_verify(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "verify")
    assert code == 0
    assert "3 files match" in out
    path = bundle.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    code, out, err = run(capsys, "verify")
    assert code == 1
    assert "model.safetensors" in err


def test_pull_without_a_repo(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "pull")
    assert (code, out) == (2, "")
    assert "no Hub repo is configured" in err
    assert "ZOO_REPO" in err


def test_predict(bundle: Bundle, image: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "predict", "mnist", image)
    assert code == 0
    assert out.startswith(image)
    code, out, _ = run(capsys, "predict", "mnist", image, image, "--json")
    answers = json.loads(out)
    assert [answer["image"] for answer in answers] == [image, image]
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_predict_answers_the_good_images_among_bad_ones(
    bundle: Bundle, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("hello")
    text, missing = str(tmp_path / "text.png"), str(tmp_path / "missing.png")
    code, _, err = run(capsys, "predict", "mnist", image, text)  # one bad one: one line
    assert (code, err.count(text)) == (1, 1)
    code, out, err = run(capsys, "predict", "mnist", text, image, missing, "--json", lines=3)
    assert code == 1
    assert [answer["image"] for answer in json.loads(out)] == [image]
    first, second, last = err.splitlines()
    assert first.startswith(f"error: {text}: This is not an image")
    assert second.startswith(f"error: {missing}: There is no file")
    assert last == f"error: 2 of 3 images have no answer: {text}, {missing}"


@pytest.mark.parametrize("count", [1, 2])
def test_predict_without_any_good_image_is_bad_input(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    names = [str(tmp_path / f"{number}.png") for number in range(count)]
    code, out, err = run(capsys, "predict", "mnist", *names, lines=3)
    assert (code, out) == (2, "")
    assert all(f"{name}: There is no file" in err for name in names)


def test_a_name_that_no_encoding_has_is_printed_all_the_same(image: str, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9-\xe2\x82\xac.png"
    try:
        Path(os.fsdecode(name)).write_bytes(Path(image).read_bytes())
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    for encoding in ("ascii", "cp1252", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "predict", "mnist", name, "--source", "bundle"],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": encoding},
        )
        assert done.returncode == 0, done.stderr
        assert b"caf\\udce9-" in done.stdout


def test_predict_says_when_it_may_be_none_of_the_classes(
    bundle: Bundle, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "none of its classes" not in run(capsys, "predict", "mnist", image)[1]
    config = bundle.config() | {"ood_threshold": 1.0}
    bundle.write("config.json", json.dumps(config).encode())
    assert "none of its classes" in run(capsys, "predict", "mnist", image)[1]
    answer = json.loads(run(capsys, "predict", "mnist", image, "--json")[1])[0]
    assert answer["is_ood"] is True


def test_bench(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "bench", "mnist", "--json", "--repeats", "5", "--batch", "8")
    result = json.loads(out)
    assert code == 0
    assert result["single_ms"] > 0
    assert result["images_per_second"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["predict", "mnist"],
        ["bench", "mnist", "--repeats", "0"],
        ["bench", "mnist", "--batch", "many"],
        ["list", "--yaml"],
        ["predict", "mnist", "x.png", "--device", "tpu"],
        ["predict", "mnist", "x.png", "--source", "nowhere"],
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    bundle: Bundle, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("error: ")


def test_the_module_runs_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "info", "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
