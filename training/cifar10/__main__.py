"""The command ``python -m training.cifar10``."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.engine.failures import RESUME, run_command
from zoo.command_parser import CommandParser


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    from training.cifar10 import cifar10_recipe
    from training.cifar10.cifar10_settings import PRESETS, Cifar10Recipe
    from training.engine.compute import add_compute
    from training.engine.init_from import add_init_from
    from training.engine.options import add_arguments, add_presets

    parser = CommandParser(
        prog="python -m training.cifar10",
        description=(cifar10_recipe.__doc__ or "").splitlines()[0],
    )
    add_arguments(parser, epochs=Cifar10Recipe.epochs)
    add_presets(parser, PRESETS)
    add_compute(parser, compiles=True)
    add_init_from(parser)
    parser.add_argument(
        "--final", action="store_true",
        help="train on all 50,000 training images, once the recipe is fixed",
    )  # fmt: skip
    parser.add_argument(
        "--calibrated-by", type=Path, metavar="RUN",
        help="for --final: the finished validation run whose calibration to take",
    )  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    from training.cifar10.cifar10_recipe import train
    from training.cifar10.cifar10_record import train_pflop
    from training.cifar10.cifar10_settings import PRESETS
    from training.data import cifar_images as data
    from training.engine import distributed
    from training.engine.compute import choose_compute
    from training.engine.options import chosen, run_folders
    from training.finish import finish, prepare

    options = parse(arguments)
    prepare(options)
    recipe, folders = chosen(PRESETS, options), run_folders(options)
    with distributed.joined(options.device) as processes:
        if options.download and processes.is_main:
            data.load(options.data_dir, "train", download=True)
        processes.barrier()
        training = data.load(options.data_dir, "all" if options.final else "train")
        validation = None if options.final else data.load(options.data_dir, "validation")
        compute = choose_compute(processes, options)
        for seed, folder in folders.items():
            if processes.is_main:
                work = train_pflop(recipe, len(training))
                print(f"seed {seed}: {folder}, {work:.3f} PFLOP in {compute.precision}", flush=True)
            train(
                recipe, training, validation, folder, compute, seed, options.resume,
                calibrated_by=options.calibrated_by, data_dir=options.data_dir,
                init_from=options.init_from,
            )  # fmt: skip
        if processes.is_main:
            finish(options, folders)
    return 0


if __name__ == "__main__":
    run_command(main, RESUME)
