"""The command ``python -m training.mnist``."""

from __future__ import annotations

import argparse

from training.engine.failures import RESUME, run_command
from zoo.command_parser import CommandParser


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    from training.engine.options import add_arguments
    from training.mnist import mnist_recipe

    parser = CommandParser(
        prog="python -m training.mnist", description=(mnist_recipe.__doc__ or "").splitlines()[0]
    )
    add_arguments(parser, epochs=mnist_recipe.MnistRecipe.epochs)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    from training.data import mnist_digits as data
    from training.engine.options import run_folders
    from training.finish import finish, prepare
    from training.mnist.mnist_recipe import MnistRecipe, train

    options = parse(arguments)
    prepare(options)
    recipe, folders = MnistRecipe(epochs=options.epochs), run_folders(options)
    training = data.load(options.data_dir, "train", options.download)
    validation = data.load(options.data_dir, "validation")
    for seed, folder in folders.items():
        print(f"seed {seed}: {folder}", flush=True)
        train(recipe, training, validation, folder, seed, options.resume)
    finish(options, folders)
    return 0


if __name__ == "__main__":
    run_command(main, RESUME)
