"""The running server: limits of uploads, headers, and one sentence where a page breaks."""

from __future__ import annotations

import http.client
import re
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from pages.server import security_headers, upload_limits
from tests.pages.server import impatient
from training.benchmarks.pages.memory import resident, wait_until
from training.benchmarks.pages.page_wait import Server, running_app
from training.benchmarks.pages.visitors import PageError, Visitor

ROOT = Path(__file__).parents[3]
MB = 2**20
TTL = 1  # seconds that a session outlives its tab


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    options = {
        "server.enableXsrfProtection": "false",  # or a PUT needs a cookie
        "server.disconnectedSessionTTL": str(TTL),
    }
    with running_app(("-m", "tests.pages.server.impatient"), options=options) as running:
        yield running


@pytest.fixture
def visitor(server: Server) -> Iterator[Visitor]:
    with Visitor(server.url) as somebody:
        somebody.open("use_the_weights")
        yield somebody


def connection(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)


def upload(server: Server, session: str, size: int) -> tuple[int, str]:
    """Upload a file as Streamlit's uploader does; return the status and what is said."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n"
    )
    body = head + bytes(size) + b"\r\n--x--\r\n"
    asked = connection(server)
    address = f"/_stcore/upload_file/{session}/{uuid.uuid4()}"
    asked.request("PUT", address, body, {"Content-Type": "multipart/form-data; boundary=x"})
    answer = asked.getresponse()
    return answer.status, answer.read().decode()


def until(true: Callable[[], bool], what: str) -> None:
    wait_until(true, 60, what)


def test_a_session_holds_its_share_of_uploads_and_gives_it_back(
    server: Server, visitor: Visitor
) -> None:
    before = resident(server.pid)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: upload(server, visitor.session, 9 * MB), range(40)))
    statuses = [status for status, _ in answers]
    assert statuses.count(204) == upload_limits.SESSION // (9 * MB) == 6
    assert statuses.count(413) == 34
    assert all("60 MB" in said for status, said in answers if status == 413)
    assert resident(server.pid) < before + 1.5 * upload_limits.SESSION / MB
    visitor.close()
    until(lambda: resident(server.pid) < before + 15, "The memory was not given back.")


def test_the_share_is_a_sessions_own(server: Server, visitor: Visitor) -> None:
    for _ in range(7):
        last = upload(server, visitor.session, 9 * MB)
    assert last[0] == 413
    with Visitor(server.url) as other:
        other.open("use_the_weights")
        assert upload(server, other.session, 9 * MB)[0] == 204


def test_all_sessions_together_have_a_limit(server: Server) -> None:
    time.sleep(2 * TTL + 1)  # what the sessions of the tests before held is let go
    visitors = [Visitor(server.url) for _ in range(5)]
    try:
        answers = []
        for somebody in visitors:
            somebody.open("use_the_weights")
            answers += [upload(server, somebody.session, 9 * MB) for _ in range(6)]
    finally:
        for somebody in visitors:
            somebody.close()
    held = 9 * MB * [status for status, _ in answers].count(204)
    assert held > upload_limits.TOTAL - 30 * MB
    assert held < upload_limits.TOTAL
    assert answers[-1][0] == 503
    assert "try again" in answers[-1][1]
    with Visitor(server.url) as later:
        later.open("use_the_weights")
        until(lambda: upload(server, later.session, 9 * MB)[0] == 204, "No room came back.")


def test_a_body_over_the_limit_is_refused_before_it_is_read(
    server: Server, visitor: Visitor
) -> None:
    asked = connection(server)
    asked.putrequest("PUT", f"/_stcore/upload_file/{visitor.session}/{uuid.uuid4()}")
    asked.putheader("Content-Length", str(500 * MB))
    asked.endheaders()  # and not a byte of the body
    answer = asked.getresponse()
    assert (answer.status, "25 MB" in answer.read().decode()) == (413, True)


def test_a_body_of_unknown_length_is_refused(server: Server) -> None:
    asked = connection(server)
    asked.putrequest("POST", "/")
    asked.putheader("Transfer-Encoding", "chunked")
    asked.endheaders()
    assert asked.getresponse().status == 411


@pytest.mark.parametrize("gone", ["never-was", ""])
def test_an_upload_to_a_session_that_is_gone_gets_a_sentence(server: Server, gone: str) -> None:
    session = gone
    if not session:
        with Visitor(server.url) as left:
            left.open("use_the_weights")
            session = left.session
    until(lambda: upload(server, session, 10)[0] != 204, "The session lives on.")
    status, said = upload(server, session, 10)
    assert status == 410
    assert "reload" in said


def test_a_part_that_breaks_leaves_a_sentence_and_no_detail(server: Server) -> None:
    with Visitor(server.url) as somebody, pytest.raises(PageError) as told:
        somebody.open("objects")
    assert "log" in str(told.value)
    assert "Reload the page" in str(told.value)
    assert impatient.BROKEN not in str(told.value)


def test_every_answer_carries_the_headers(server: Server) -> None:
    for address in ("/", "/_stcore/health", "/app/static/fonts/Geist.woff2", "/digits"):
        asked = connection(server)
        asked.request("GET", address)
        answer = asked.getresponse()
        assert answer.status == 200
        for name in security_headers.HEADERS:
            assert answer.headers[name], (address, name)
        answer.read()


def test_the_document_names_the_limits() -> None:
    text = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    limit = compose["services"]["app"]["mem_limit"].removesuffix("m")
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    uploads = f"{upload_limits.SESSION // MB} MB; {upload_limits.TOTAL // MB} MB"
    for figure in (f"{limit} MB", f"{settings['server']['maxUploadSize']} MB", uploads):
        assert f"| {figure} |" in text, figure


def test_the_proxies_let_through_what_the_app_takes() -> None:
    """And not much more: what the app refuses need not reach it."""
    nginx = (ROOT / "deploy" / "nginx.conf").read_text()
    caddy = (ROOT / "deploy" / "Caddyfile").read_text()
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    least = settings["server"]["maxUploadSize"]
    for found in (
        re.search(r"client_max_body_size (\d+)m;", nginx),
        re.search(r"max_size (\d+)MB", caddy),
    ):
        assert found
        assert least < int(found[1]) <= least + 2
