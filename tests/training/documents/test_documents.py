"""What is generated is up to date, and the documents say nothing that nobody checks."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import subprocess
from pathlib import Path

import pytest

import zoo
from training.documents import marked_blocks, writing
from training.documents.architecture_drawing import COLOURS, LINE, TEXT, draw, layers
from training.documents.training_document import runs, today_commands
from training.engine.failures import TrainingError

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = re.compile(r"<!-- (?:generated: ([\w-]+)|faults: begin) -->.*?<!-- .*?end.*? -->", re.S)


class Parsed(BaseException):
    """A command line was read to its end."""


@pytest.fixture
def stop_after_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command end with `Parsed` where it would begin its work."""
    read = argparse.ArgumentParser.parse_args

    def parse(self, *arguments, **options):
        read(self, *arguments, **options)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)


def check_command(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a command line by the module that it names, as if from a shell."""
    python, flag, module, *arguments = shlex.split(command)
    assert (python, flag) == ("python", "-m")
    monkeypatch.setattr("sys.argv", [module, *arguments])
    with pytest.raises(Parsed):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def prose(path: Path) -> str:
    """Return what people wrote: neither generated blocks nor code."""
    text = GENERATED.sub("", path.read_text(encoding="utf-8"))
    return re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|<[^>]*>", "", text, flags=re.DOTALL)


def test_everything_that_is_generated_is_up_to_date() -> None:
    """If this fails: `python -m training.documents`, and look at what changed."""
    assert writing.outdated(writing.documents()) == []


def test_a_marker_without_its_block_is_named() -> None:
    text = "<!-- generated: models -->\nold\n<!-- end: models -->"
    assert marked_blocks.fill(text, {"models": "new"}).splitlines()[1] == "new"
    with pytest.raises(TrainingError, match=r"README\.md has the blocks models"):
        marked_blocks.fill(text, {"models": "", "speed": ""}, "README.md")
    with pytest.raises(TrainingError, match="has the blocks none"):
        marked_blocks.fill("no marker", {"models": "new"})


@pytest.mark.parametrize("name", zoo.list_experiments())
@pytest.mark.usefixtures("stop_after_parsing")
def test_the_command_of_every_experiment_is_one_of_today(name, monkeypatch) -> None:
    found = zoo.experiment(name)
    check_command(found.command, monkeypatch)
    assert re.fullmatch(r"[0-9a-f]{40}(\+changes)?", found.git_commit or "")


@pytest.mark.parametrize("name", zoo.list_models(alternatives=False))
@pytest.mark.usefixtures("stop_after_parsing")
def test_the_commands_that_make_the_weights_are_those_of_today(name, monkeypatch) -> None:
    recorded = [run["command"] for run in runs(zoo.record(name, source="bundle"))][::-1]
    commands = today_commands(recorded)
    assert [c for c in commands if "--export" in c] == commands[-1:]
    for command in commands:
        check_command(command, monkeypatch)


@pytest.mark.parametrize("name", zoo.list_models(alternatives=False))
def test_a_diagram_shows_every_layer_with_weights(name) -> None:
    model = zoo.load(name, source="bundle", device="cpu")
    run = zoo.explain.trace(model, zoo.samples.first_sample(zoo.info(name).samples).path)
    weighted = [layer for layer in run.layers if layer.kind in ("convolution", "linear")]
    bars, arcs = layers(run)
    assert [bar.channels for bar in bars] == [layer.shape[0] for layer in weighted]
    assert len(arcs) == len(run.skips)
    assert draw(name).count("rx='2'") == len(weighted)


@pytest.mark.parametrize("colour", [TEXT, LINE, *COLOURS.values()])
def test_a_diagram_is_legible_on_white_and_on_black(colour) -> None:
    for background in ("#ffffff", "#0d1117"):  # GitHub's
        assert contrast(colour, background) >= (4 if colour == TEXT else 3)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(first), luminance(second)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_measurement_is_typed(path) -> None:
    """Numbers that somebody measured stand in generated blocks."""
    if path.name == "results.md":
        pytest.skip("generated as a whole")
    text = re.sub(r"^\|.*$", "", prose(path), flags=re.MULTILINE)  # tables of limits: see below
    unit = r"(%|per cent|ms|s|seconds|minutes|hours|MB|GB|GiB|times|images|photos)\b"
    typed = re.findall(rf"(?<![\w.])\d[\d.,]*\s?{unit}|\b0\.\d+", text)
    assert not typed


def test_the_limits_that_a_host_reads_are_those_that_hold() -> None:
    """The table of docs/hosting.md, against the settings and the test of the memory."""
    text = (ROOT / "docs/hosting.md").read_text(encoding="utf-8")

    def number(path: str, pattern: str) -> int:
        return int(re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"))[0])

    upload = number(".streamlit/config.toml", r"maxUploadSize = (\d+)")
    container = number("compose.yaml", r"mem_limit: (\d+)m")
    limits = "pages/server/upload_limits.py"
    session, total = (number(limits, rf"{name} = (\d+) \* MB") for name in ("SESSION", "TOTAL"))
    memory = "tests/pages/server/test_memory.py"
    peak, after = (
        number(memory, rf"{name}\"\] <= (\d+)") / 1000 for name in ("peak", "3 visitors, all pages")
    )
    for said in (
        *(f"| {upload} MB |", f"| {container} MB |", f"| {session} MB; {total} MB |"),
        f"| {peak} GB at its peak, {after} GB afterwards |",
    ):
        assert said in text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_words_are_the_field_s(path) -> None:
    ours = r"\bpictures?\b|\blicences?\b|\boutsiders?\b|(?<!standard )\bdeviation|\bpieces?\b"
    wrong = re.findall(rf"{ours}|\ba (?:image|object|ood)\b|\ban images\b", prose(path), re.I)
    assert not wrong


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    targets += re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    for target in targets:
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in heads}


def test_every_module_that_a_text_names_as_a_command_exists() -> None:
    """In documents, docstrings and comments: ``python -m training.evaluate`` and the like."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md", "*.py", "*.yaml", "Dockerfile"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    named = {
        (path, module)
        for path in filter(None, listed)
        if (ROOT / path).is_file()
        and not re.search(r"^tests/|training(_document)?\.(md|py)$", path)  # made up, or old ones
        for module in re.findall(
            r"-m\s+((?:zoo|training|tests)(?:\.\w+)*)(?![\w.]*[<{…])",
            (ROOT / path).read_text(encoding="utf-8"),
        )
    }
    assert len(named) > 30
    missing = [
        (path, module)
        for path, module in sorted(named)
        if not (ROOT / f"{module.replace('.', '/')}.py").is_file()
        and not (ROOT / module.replace(".", "/") / "__main__.py").is_file()
    ]
    assert missing == []
