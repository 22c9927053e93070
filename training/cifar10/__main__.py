"""The command ``python -m training.cifar10``."""

from training.cifar10.cifar10_recipe import main
from training.engine.failures import run_command

if __name__ == "__main__":
    run_command(main)
