"""The command ``python -m training.documents [--check]``."""

from training.documents.writing import main
from training.engine.failures import run_command

if __name__ == "__main__":
    run_command(main)
