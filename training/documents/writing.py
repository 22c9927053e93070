"""Write every generated document, or check that those in the repository are up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import zoo
from training.documents.architecture_drawing import draw
from training.documents.badges import badges
from training.documents.marked_blocks import fill
from training.documents.readme_blocks import readme_blocks
from training.documents.results_document import results_document
from training.documents.training_document import training_blocks
from training.engine.provenance import ROOT
from zoo.command_parser import CommandParser
from zoo.weights.atomic_files import write_bytes


def documents() -> dict[Path, str]:
    """Return what each generated file shall hold, by its path below the repository."""
    files = {Path(f"docs/badges/{name}.svg"): badge for name, badge in badges().items()}
    files |= {
        Path(f"docs/architectures/{name}.svg"): draw(name)
        for name in zoo.list_models(own=False, alternatives=False)
    }
    files[Path("docs/results.md")] = results_document()
    for path, blocks in (("README.md", readme_blocks()), ("docs/training.md", training_blocks())):
        text = (ROOT / path).read_text(encoding="utf-8")
        files[Path(path)] = fill(text, blocks, path)
    return files


def outdated(texts: Mapping[Path, str]) -> list[Path]:
    """Return the paths of those files that do not hold the text that they shall hold."""
    return [
        path
        for path, text in texts.items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if --check finds an outdated file."""
    parser = CommandParser(
        prog="python -m training.documents",
        description="Write the generated parts of README.md and docs/ from records, experiments "
        "and code.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; name what is outdated")
    options = parser.parse_args(arguments)
    texts = documents()
    found = outdated(texts)
    for path in found:
        if not options.check:
            write_bytes(ROOT / path, texts[path].encode())
        print(f"{path} {'is outdated' if options.check else 'written'}")
    return 1 if options.check and found else 0
