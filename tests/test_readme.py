"""The README's code runs as it stands, and its numbers are those of the records."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_table_shows_the_recorded_numbers() -> None:
    rows = re.findall(r"^\| `(\S+)` \|.*$", README, re.MULTILINE)
    assert rows == zoo.list_models()
    for name in rows:
        info = zoo.info(name)
        row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"{next(iter(info.metrics.values())):.2%}" in row
        assert f"{info.parameters:,}" in row


def test_the_measurements_are_the_recorded_ones() -> None:
    record = zoo.load("mnist", source="bundle").record
    accuracies = [100 * row["test_accuracy"] for row in record["seeds"]]
    assert "{:.2f}, {:.2f} and {:.2f} %".format(*accuracies) in README
    assert f"mean {sum(accuracies) / len(accuracies):.2f} %" in README
    before, after = (100 * record["calibration"][f"ece_{when}"] for when in ("before", "after"))
    assert f"from {before:.1f} % to {after:.1f} %" in README.replace("\n  ", " ")


def test_the_speed_is_the_recorded_one() -> None:
    recorded = zoo.experiment("numpy_vs_torch").raw
    text = " ".join(README.split())
    assert f"reaches {recorded['ratio']:.2f} times the throughput" in text
    share = recorded["product_gflops"] / recorded["sgemm_gflops"]
    assert f"run at {share:.0%} of one large sgemm" in text
    learned = recorded["time_to_99"]
    assert f"{learned['seconds']:.0f} s, bring it to {learned['accuracy']:.2%}" in text


def test_the_robustness_is_the_recorded_one() -> None:
    untouched, *others = zoo.experiment("digit_preparation").rows
    text = " ".join(README.split())
    worst = min(row["accuracy"] for row in others)
    good = sum(row["accuracy"] >= 0.98 for row in others)
    assert f"in {len(others)} other ways" in text
    assert f"{good} of the ways keep at least 98 % right" in text
    assert f"{worst:.1%}; untouched, they are {untouched['accuracy']:.1%}" in text


def test_the_python_example_runs_and_says_what_it_claims() -> None:
    (example,) = blocks("python")
    names: dict[str, object] = {}
    for line in filter(None, example.splitlines()):
        code, _, comment = line.partition("#")
        is_assignment = re.match(r"\w+ = |import ", code)
        if is_assignment:
            exec(code, names)
            continue
        value = eval(code.strip(), names)
        assert value
        if (claim := comment.strip()).startswith("("):
            label, confidence = eval(claim.split(":")[0])
            assert value[0] == label
            assert value[1] == pytest.approx(confidence, abs=0.006)


@pytest.mark.parametrize(
    "line", [line for block in blocks("sh") for line in block.splitlines() if " -m zoo " in line]
)
def test_the_shell_examples_run(line: str, tmp_path: Path) -> None:
    command = shlex.split(line, comments=True)
    assert command.pop(0) == "python"
    image = str(ROOT / "zoo/samples/digits/6-03422.png")
    stands_for = {"photo.jpg": image, "cut": str(tmp_path / "cut")}
    arguments = [stands_for.get(word, word) for word in command]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_files_that_the_readme_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
