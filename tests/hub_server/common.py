"""What the route files share: finding the repo of a request, errors, byte ranges."""

import re
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub_server.storage import HubStorageError, Repo, Storage

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


def storage(request: Request) -> Storage:
    """The server's storage."""
    result: Storage = request.app.state.storage
    return result


def has_token(request: Request) -> bool:
    """Whether the request carries the server's token."""
    return request.headers.get("authorization") == f"Bearer {request.app.state.token}"


def require_token(request: Request) -> None:
    """Writing needs a token, as on the Hub."""
    if not has_token(request):
        raise HubStorageError(401, None, "Invalid username or password.")


def repo_of(request: Request, *, write: bool = False) -> Repo:
    """The repo that the path names; private ones look absent to a stranger, as on the Hub."""
    if write:
        require_token(request)
    parameters = request.path_params
    kind = KINDS[parameters.get("kind", "models")]
    repo = storage(request).repo(kind, f"{parameters['owner']}/{parameters['name']}")
    if repo.private and not has_token(request):
        raise HubStorageError(401, "RepoNotFound", "Repository not found")
    return repo


def revision_of(request: Request) -> str:
    """The revision in the path, ``main`` when there is none."""
    return unquote(request.path_params.get("revision", "main"))


async def refuse(request: Request, error: Exception) -> Response:
    """The reply to a `HubStorageError`: what the client reads is in the headers."""
    assert isinstance(error, HubStorageError)
    headers = {"X-Error-Message": str(error)}
    if error.code:
        headers["X-Error-Code"] = error.code
    return JSONResponse({"error": str(error)}, status_code=error.status, headers=headers)


def send_bytes(request: Request, data: bytes, headers: dict[str, str]) -> Response:
    """GET or HEAD of some bytes, with ``Range: bytes=N-`` (how the client resumes)."""
    headers = {**headers, "Accept-Ranges": "bytes"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(data))})
    if wanted is None:
        return Response(data, headers=headers, media_type="application/octet-stream")
    start = int(wanted[1])
    end = min(int(wanted[2]), len(data) - 1) if wanted[2] else len(data) - 1
    if start >= len(data):
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Response(data[start : end + 1], 206, headers, media_type="application/octet-stream")
