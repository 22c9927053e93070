"""``/OWNER/NAME/resolve/REVISION/PATH``: where the client gets metadata and files from."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.hub_server.common import repo_of, revision_of, send_bytes, storage
from tests.hub_server.storage import HubStorageError, StoredFile, git_blob_id


async def resolve(request: Request) -> Response:
    """A small file answers itself; a large one redirects to the CDN, which is another origin."""
    repo = repo_of(request)
    commit = repo.resolve(revision_of(request))
    if request.app.state.faults.takes(request, "no-hub"):
        return Response("<h1>Log in to this network</h1>", media_type="text/html")
    headers = {"X-Repo-Commit": commit.oid}
    file = commit.files.get(request.path_params["path"])
    if file is None:
        raise HubStorageError(404, "EntryNotFound", "Entry not found")
    faults = request.app.state.faults
    if faults.takes(request, "wrong-file"):
        file = another(file)
    headers["ETag"] = f'"{file.etag}"'
    away = faults.takes(request, "redirect")
    if file.sha256 is None and not away:
        return send_bytes(request, storage(request).content(file), headers)
    if faults.takes(request, "offers-xet"):
        headers |= {"X-Xet-Hash": "0" * 64, "X-Xet-Refresh-Route": f"{request.app.state.url}/none"}
    headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
    key = storage(request).publish(file)
    return RedirectResponse(f"{request.app.state.cdn_url}/cdn/{key}", 302, headers)


def another(file: StoredFile) -> StoredFile:
    """A file with the same path and other content; its headers will fit the content."""
    data = b'{"not": "what was published"}'
    return StoredFile(file.path, git_blob_id(data), len(data), data)


routes = [
    Route("/{kind:str}/{owner}/{name}/resolve/{revision}/{path:path}", resolve),
    Route("/{owner}/{name}/resolve/{revision}/{path:path}", resolve),
]
