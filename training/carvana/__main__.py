"""The command ``python -m training.carvana``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from training.engine.failures import RESUME, TrainingError, run_command
from zoo.command_parser import CommandParser


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    from training.carvana import carvana_recipe
    from training.carvana.carvana_settings import FAMILY, PRESETS, RECIPE
    from training.engine.compute import add_compute
    from training.engine.init_from import add_init_from
    from training.engine.options import add_arguments, add_presets, positive

    parser = CommandParser(
        prog="python -m training.carvana",
        description=(carvana_recipe.__doc__ or "").splitlines()[0],
    )
    add_arguments(parser, epochs=PRESETS["two-parts"].epochs)
    add_presets(parser, PRESETS)
    add_compute(parser)
    add_init_from(parser)
    parser.add_argument(
        "--architecture", choices=list(FAMILY), default=RECIPE.architecture,
        help="the network that learns (default unet); the recipe is the same",
    )  # fmt: skip
    parser.add_argument(
        "--first-part", type=Path, metavar="RUN",
        help="begin with the second part, on the result of a finished run that was the first "
        "(--preset one-part, with the same seed)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=positive, default=1, metavar="N",
        help="threads that prepare images (default 1)",
    )  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    from training.carvana.carvana_recipe import read_sources, train
    from training.carvana.carvana_settings import PRESETS
    from training.data import carvana_photos
    from training.engine import distributed
    from training.engine.compute import choose_compute
    from training.engine.options import chosen, run_folders
    from training.finish import finish, prepare

    options = parse(arguments)
    prepare(options)
    if options.download:
        raise TrainingError(carvana_photos.how_to_get(options.data_dir))
    recipe = replace(chosen(PRESETS, options), architecture=options.architecture)
    folders = run_folders(options)
    with distributed.joined(options.device) as processes:
        sources, validation = read_sources(options.data_dir)
        compute = choose_compute(processes, options)
        for seed, folder in folders.items():
            if processes.is_main:
                print(
                    f"seed {seed}: {folder}, {len(sources.studio)} studio photos, "
                    f"{len(sources.streets)} of streets, {len(sources.backgrounds)} backgrounds, "
                    f"{len(sources.photos)} taken with phones, "
                    f"in {compute.precision}",
                    flush=True,
                )
            train(
                recipe, sources, validation, folder, compute, seed, options.resume,
                threads=options.workers, init_from=options.init_from,
                first_part=options.first_part,
            )  # fmt: skip
        if processes.is_main:
            finish(options, folders)
    return 0


if __name__ == "__main__":
    run_command(main, RESUME)
