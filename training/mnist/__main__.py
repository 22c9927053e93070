"""The command ``python -m training.mnist``."""

from training.engine.failures import run_command
from training.mnist.mnist_recipe import main

if __name__ == "__main__":
    run_command(main)
