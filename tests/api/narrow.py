"""The app with one place in its line: whoever comes second has to come back.

``python -m tests.api.narrow run app.py …``: Streamlit's command with it.
"""

from __future__ import annotations

from streamlit.web import cli

from api import waiting_line
from pages.common import warm_up

if __name__ == "__main__":
    waiting_line.WAITING = 0
    waiting_line._cores = lambda: 1
    warm_up.start = lambda *_: None
    cli.main()
