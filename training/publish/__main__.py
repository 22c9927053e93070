"""The command ``python -m training.publish``."""

from training.engine.failures import run_command
from training.publish.publishing import main

if __name__ == "__main__":
    run_command(main)
