"""Run the loopback Hub and its CDN in a thread, each on a free port."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server import api, lfs, resolve
from tests.hub_server.common import refuse
from tests.hub_server.faults import FaultMiddleware, Faults
from tests.hub_server.storage import HubStorageError, Storage

TOKEN = "hf_loopback_token_for_tests_only"


@dataclass(frozen=True)
class Seen:
    """One request that arrived: what tests look at afterwards."""

    host: str
    method: str
    path: str
    headers: dict[str, str]

    @property
    def token(self) -> str | None:
        """The authorization that came along."""
        return self.headers.get("authorization")


class _Recorder:
    """ASGI middleware that writes down every request before anything else sees it."""

    def __init__(self, app: Any, host: str, seen: list[Seen]) -> None:
        self.app, self.host, self.seen = app, host, seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {key.decode(): value.decode() for key, value in scope["headers"]}
            self.seen.append(Seen(self.host, scope["method"], scope["path"], headers))
        await self.app(scope, receive, send)


async def _switch_faults(request: Request) -> Response:
    """``POST /_faults {"kind": …}`` adds one, ``DELETE /_faults`` removes all (for demos)."""
    faults: Faults = request.app.state.faults
    if request.method == "DELETE":
        faults.clear()
    else:
        faults.add(**await request.json())
    return JSONResponse([vars(fault) for fault in faults.active])


class HubServer:
    """The loopback Hub; use it as a context manager.

    Args:
        port: port of the Hub; 0 takes a free one. The CDN always takes a free one.
        user: the account that the token belongs to.

    Attributes:
        url: the endpoint to hand to ``HfApi(endpoint=…)`` or ``HF_ENDPOINT``.
        cdn_url: where large files come from: another origin, to which no token may go.
        token: the one token that may write.
        faults: switch faults on here.
        seen: every request so far, in order of arrival.
        storage: repos and objects, for tests that look behind the API.
    """

    def __init__(self, port: int = 0, user: str = "tester") -> None:
        self._sockets = [_listen(port), _listen(0)]
        self.url, self.cdn_url = (
            f"http://127.0.0.1:{opened.getsockname()[1]}" for opened in self._sockets
        )
        self.user = user
        self.token = TOKEN
        self.storage = Storage()
        self.faults = Faults()
        self.seen: list[Seen] = []
        self._ready = threading.Event()
        self._servers: list[uvicorn.Server] = []
        self._thread = threading.Thread(target=self._run, name="loopback-hub", daemon=True)

    def __enter__(self) -> "HubServer":
        self._thread.start()
        if not self._ready.wait(20):
            raise RuntimeError("The loopback Hub did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self.faults.release)
        for server in self._servers:
            server.should_exit = True
            server.force_exit = True
        # the thread ends within half a second; a test need not wait for it

    def environment(self, home: Path) -> dict[str, str]:
        """Environment of a subprocess that uses this Hub with its own empty cache.

        ``HF_ENDPOINT`` is read when ``huggingface_hub`` is imported, so entry points are run
        in subprocesses rather than patched.
        """
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }

    def paths(self, method: str | None = None) -> list[str]:
        """The paths asked for so far."""
        return [seen.path for seen in self.seen if method in (None, seen.method)]

    @contextmanager
    def fault(self, kind: str, **options: Any) -> Iterator[None]:
        """A fault for the length of a ``with`` block."""
        self.faults.add(kind, **options)
        try:
            yield
        finally:
            self.faults.clear()

    def _app(self, host: str, routes: list[Route]) -> Any:
        app = Starlette(routes=routes, exception_handlers={HubStorageError: refuse})
        app.state.storage, app.state.faults = self.storage, self.faults
        app.state.url, app.state.cdn_url = self.url, self.cdn_url
        app.state.token, app.state.user = self.token, self.user
        return _Recorder(FaultMiddleware(app, self.faults), host, self.seen)

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        control = Route("/_faults", _switch_faults, methods=["POST", "DELETE", "GET"])
        # `resolve` comes last: its pattern /{owner}/{name}/… would swallow the others
        apps = [
            self._app("hub", [control, *api.routes, *lfs.routes, *resolve.routes]),
            self._app("cdn", list(lfs.cdn_routes)),
        ]
        for app in apps:
            config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            self._servers.append(server)
        served = [
            asyncio.ensure_future(server.serve(sockets=[opened]))
            for server, opened in zip(self._servers, self._sockets, strict=True)
        ]
        while not all(server.started for server in self._servers):
            await asyncio.sleep(0.01)
        self._ready.set()
        await asyncio.gather(*served)
        left = asyncio.all_tasks() - {asyncio.current_task()}  # requests that were broken off
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _listen(port: int) -> socket.socket:
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", port))
    opened.listen(128)
    return opened
