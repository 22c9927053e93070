"""Write the table of docs/hub.md from a real run: ``python -m tests.hub.fault_table``.

Every fault is met by ``zoo.load`` (source ``hub`` and ``auto``), by ``python -m zoo pull`` and by
the app, each with an empty cache. What they said goes into the table, and whether they waited until
the timeout; how many seconds it took does not, for that depends on what else the machine does.
"""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from huggingface_hub import HfApi, constants

from tests.hub import tiny
from tests.hub.outcomes import CASES, RECOVERS, Case
from tests.hub.workspace import Workspace, make
from tests.hub_server import HubServer
from tests.hub_server.fixtures import ROOT

DOCUMENT = ROOT / "docs" / "hub.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
HUB, BUNDLE = "the Hub's weights", "the bundled weights, with a notice"
TIMEOUT = 10  # seconds
GRACE = 10  # seconds more that a busy machine may take to give up

LOAD = """
import json, time, zoo
def meet(source):
    start = time.perf_counter()
    try:
        model = zoo.load("mnist", source=source)
        said = [model.source, model.notice]
    except zoo.ZooError as error:
        said = [type(error).__name__, str(error)]
    return [*said, time.perf_counter() - start]
print(json.dumps(meet({source!r})))
"""
APP = """
import json
from streamlit.testing.v1 import AppTest
from pages.common import warm_up
warm_up.start = lambda *_: None
app = AppTest.from_file("app.py", default_timeout=90).run()
print(json.dumps([bool(app.exception), [caption.value for caption in app.sidebar.caption]]))
"""


def prepare(folder: Path, hub: HubServer) -> Workspace:
    """A copy of the project whose catalog pins a tiny model on the Hub."""
    workspace = make(folder / "project", hub, folder / "home")
    files = tiny.model_files()
    api = HfApi(endpoint=hub.url, token=hub.token)
    commit = tiny.upload(api, files)
    workspace.write_models({"mnist": files}, repo=tiny.REPO, revision=commit)
    workspace.environment |= {"ZOO_TIMEOUT": str(TIMEOUT)}
    return workspace


def run_case(case: Case, workspace: Workspace, hub: HubServer, folder: Path) -> list[str]:
    """Meet one fault through each entry point; returns the row of the table."""

    def meet(*arguments: str):
        home = tempfile.mkdtemp(dir=folder)
        with case.on(hub):
            return workspace.run(*arguments, timeout=120, HF_HOME=home)

    hub_said = json.loads(meet("-c", LOAD.replace("{source!r}", "'hub'")).stdout)
    auto_said = json.loads(meet("-c", LOAD.replace("{source!r}", "'auto'")).stdout)
    pulled = meet("-m", "zoo", "pull", "mnist")
    failed, captions = json.loads(meet("-c", APP).stdout.splitlines()[-1])
    app = next((re.search(r"(bundled weights|weights from the Hub)", c) for c in captions), None)
    assert not failed, "the app must never show an exception"
    assert app is not None
    assert hub_said[2] < TIMEOUT + GRACE, "given up too late"
    assert "Traceback" not in pulled.stderr, pulled.stderr
    sentence = hub_said[1] if hub_said[0] != "hub" else HUB
    if case.outcome != RECOVERS:
        assert re.search(case.outcome, sentence), sentence
        assert any("because the Hub failed" in caption for caption in captions), captions
    return [
        case.description,
        re.sub(r"[0-9a-f]{40}", "…", sentence).replace(str(folder), "…").replace(hub.url, "…"),
        "yes" if hub_said[2] > 0.9 * TIMEOUT else "no",
        f"{pulled.returncode}",
        {"hub": HUB, "bundle": BUNDLE}[auto_said[0]],
        BUNDLE if "bundled" in app[1] else HUB,
    ]


def table() -> str:
    """Run everything and return the Markdown table."""
    head = [
        *("what goes wrong", '`source="hub"` gives', "waits until the timeout"),
        *("`zoo pull` exits with", '`source="auto"` gives', "the app runs"),
    ]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for case in CASES:
        with tempfile.TemporaryDirectory() as name, HubServer() as hub:
            folder = Path(name)
            row = run_case(case, prepare(folder, hub), hub, folder)
            lines.append("| " + " | ".join(row) + " |")
            print(row, file=sys.stderr, flush=True)
    return "\n".join(lines)


def main() -> None:
    """Replace the table in docs/hub.md."""
    day, rows = time.strftime("%Y-%m-%d"), table()
    before, rest = DOCUMENT.read_text().split(BEGIN)
    _, after = rest.split(END)
    note = f"As met on {day} with `ZOO_TIMEOUT={TIMEOUT}`: `python -m tests.hub.fault_table`."
    DOCUMENT.write_text(f"{before}{BEGIN}\n{note}\n\n{rows}\n{END}{after}")


if __name__ == "__main__":
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    constants.HF_HUB_DISABLE_XET = True  # the loopback Hub has no Xet storage
    main()
