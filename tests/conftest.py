"""One thread for each process of the tests, and for the servers and commands that they start.

Several tests run at a time, with servers and browsers beside them, on a few cores: threads of
PyTorch and BLAS that wait for each other there take longer than one thread alone. Set before
either is imported.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
