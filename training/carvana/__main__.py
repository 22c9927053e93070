"""The command ``python -m training.carvana``."""

from training.carvana.carvana_recipe import main
from training.engine.failures import run_command

if __name__ == "__main__":
    run_command(main)
