"""The command ``python -m training.segmentation``: your own images and masks.

    python -m training.segmentation --images DIR --masks DIR --out RUN [--init-from carvana]

It looks at all pairs first and writes RUN/report.html; then it learns, and writes RUN/model, which
``zoo.load("RUN/model")`` takes, and which the app shows with ``ZOO_EXTRA=RUN/model``.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.failures import RESUME, TrainingError, run_command
from zoo.command_parser import CommandParser

if TYPE_CHECKING:
    from training.segmentation.mask_pairs import FoundPair


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    from training.engine.compute import add_compute
    from training.engine.options import positive, repository
    from training.segmentation.own_recipe import NAME, OWN

    parser = CommandParser(
        prog="python -m training.segmentation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--masks", type=Path, required=True, metavar="DIR", help="may be the same folder"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="RUN_DIR")
    parser.add_argument(
        "--group", type=_pattern, metavar="REGEX",
        help="what in a name says which images belong together (the same thing, the same day): "
        "they are held out together",
    )  # fmt: skip
    parser.add_argument(
        "--name", type=_name, default=NAME, help=f"what the model is called (default {NAME})"
    )
    parser.add_argument("--label", default="object", help="what the masks mark (default object)")
    parser.add_argument(
        "--init-from", metavar="MODEL", help="begin with these weights: carvana, or a run's folder"
    )
    parser.add_argument("--report-only", action="store_true", help="look at the pairs, and end")
    parser.add_argument("--epochs", type=positive, default=OWN.epochs, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--workers", type=positive, default=1, metavar="N")
    parser.add_argument(
        "--publish", type=repository, metavar="OWNER/NAME",
        help="publish the finished model to this repo on the Hugging Face Hub",
    )  # fmt: skip
    add_compute(parser)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    from training.engine import distributed
    from training.engine.compute import choose_compute
    from training.engine.run_folder import check_writable
    from training.segmentation import own_recipe

    options = parse(arguments)
    if options.publish:
        from training.finish import prepare

        prepare(options)
    check_writable(options.out)
    pairs, held = look_at_pairs(options)
    if options.report_only:
        return 0
    with distributed.joined(options.device) as processes:
        learned, validation = own_recipe.read_pairs(pairs, held)
        record = own_recipe.train(
            replace(own_recipe.OWN, epochs=options.epochs),
            learned,
            validation,
            options.out,
            choose_compute(processes, options),
            name=options.name,
            label=options.label,
            seed=options.seed,
            resume=options.resume,
            threads=options.workers,
            init_from=own_recipe.weights_folder(options.init_from) if options.init_from else None,
        )
        if processes.is_main:
            finish(options, record)
    return 0


def look_at_pairs(options: argparse.Namespace) -> tuple[Sequence[FoundPair], frozenset[str]]:
    """Say what was found, on the terminal and as a page; return the pairs, and who is held out.

    Raises:
        TrainingError: what was found cannot be learned from.
    """
    from training.segmentation.mask_pairs import find_pairs, group_of, split_groups
    from training.segmentation.pair_check import check_pairs, report
    from training.segmentation.report_page import write_page

    matching = find_pairs(options.images, options.masks)
    groups = {pair.name: group_of(pair.name, options.group) for pair in matching.pairs}
    _, kept_back = split_groups(list(groups.values()))
    held = frozenset(name for name, group in groups.items() if group in kept_back)
    found = report(matching, check_pairs(matching.pairs), held)
    print("\n".join(found.lines()), flush=True)
    page = options.out / "report.html"
    write_page(found, page)
    print(f"{page}: the images with their outlines", flush=True)
    if found.problems:
        count = len(found.problems)
        rest = f" (and {count - 1} more, see {page})" if count > 1 else ""
        raise TrainingError(f"{found.problems[0].rstrip('.')}{rest}.")
    return matching.pairs, held


def finish(options: argparse.Namespace, record: Mapping[str, Any]) -> None:
    """Say what was reached, and publish the model if that is asked for."""
    folder, metrics = options.out / "model", record["metrics"]["validation"]
    print(
        f"{folder}: IoU {metrics['iou']:.4f} on {metrics['n']} held-out images, the worst "
        f"{metrics['worst']:.4f}"
    )
    if options.publish:
        from training.publish.own_model import publish_own
        from training.publish.publishing import hub_errors

        with hub_errors():
            publish_own(options.publish, folder)


def _name(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*", text):
        raise argparse.ArgumentTypeError("must be letters and digits; . _ - may follow")
    return text


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text} is no regular expression ({error})") from None


if __name__ == "__main__":
    run_command(main, RESUME)
