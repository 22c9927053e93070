"""The routes under ``/api``: accounts, repos, commits, tags, listings."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.common import repo_of, require_token, revision_of, storage
from tests.hub_server.storage import (
    HubStorageError,
    Repo,
    StoredFile,
    git_blob_id,
    is_large,
)


async def whoami(request: Request) -> Response:
    require_token(request)
    return JSONResponse(
        {
            "type": "user",
            "name": request.app.state.user,
            "orgs": [],
            "auth": {"accessToken": {"displayName": "tests", "role": "write"}},
        }
    )


async def create_repo(request: Request) -> Response:
    require_token(request)
    body = await request.json()
    name = f"{body.get('organization') or request.app.state.user}/{body['name']}"
    private = body.get("private") is True or body.get("visibility") == "private"
    kind = body.get("type") or "model"
    url = f"{request.app.state.url}/{'' if kind == 'model' else kind + 's/'}{name}"
    try:
        storage(request).create_repo(kind, name, private, body.get("sdk"))
    except HubStorageError as error:
        return JSONResponse({"error": str(error), "url": url, "name": name}, error.status)
    return JSONResponse({"url": url, "name": name, "id": name})


async def validate_yaml(request: Request) -> Response:
    """The front matter of a README must parse and hold a mapping."""
    text = (await request.json())["content"]
    parts = text.split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        return JSONResponse({"errors": [], "warnings": [{"message": "empty or missing yaml"}]})
    try:
        front = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    if not isinstance(front, dict):
        return JSONResponse({"errors": [{"message": "not a mapping"}], "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": []})


async def preupload(request: Request) -> Response:
    """Say which files go into git, which are large, and which are there already."""
    repo = repo_of(request, write=True)
    files = repo.resolve(revision_of(request)).files
    reply = []
    for item in (await request.json())["files"]:
        known = files.get(item["path"])
        reply.append(
            {
                "path": item["path"],
                "uploadMode": "lfs" if is_large(item["path"], item["size"]) else "regular",
                "shouldIgnore": False,
                "oid": known.etag if known else None,
            }
        )
    return JSONResponse({"files": reply})


def _change(request: Request, key: str, value: dict[str, Any]) -> StoredFile | None:
    """One line of the commit body as a stored file; ``None`` deletes."""
    if key == "file":
        data = base64.b64decode(value["content"])
        return StoredFile(value["path"], git_blob_id(data), len(data), data)
    if key == "lfsFile":
        sha256 = value["oid"]
        objects = storage(request).objects
        if sha256 not in objects:
            raise HubStorageError(400, None, f"LFS pointer to an object not uploaded: {sha256}")
        size = len(objects[sha256])
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
        return StoredFile(value["path"], git_blob_id(pointer.encode()), size, None, sha256)
    if key in ("deletedFile", "deletedFolder"):
        return None
    raise HubStorageError(400, None, f"Unknown operation {key}")


async def commit(request: Request) -> Response:
    """A commit: one JSON document a line, the first one the header."""
    repo = repo_of(request, write=True)
    lines = [json.loads(line) for line in (await request.body()).splitlines() if line]
    header = lines[0]["value"]
    changes: dict[str, StoredFile | None] = {}
    head = repo.resolve(revision_of(request))
    for line in lines[1:]:
        path = line["value"]["path"]
        change = _change(request, line["key"], line["value"])
        if line["key"] == "deletedFolder":
            changes.update(
                {name: None for name in head.files if name.startswith(path.rstrip("/") + "/")}
            )
        else:
            changes[path] = change
    made = storage(request).commit(
        repo, revision_of(request), header["summary"], changes, header.get("parentCommit")
    )
    return JSONResponse(
        {
            "success": True,
            "commitOid": made.oid,
            "commitUrl": f"{request.app.state.url}/{repo.name}/commit/{made.oid}",
        }
    )


async def tag(request: Request) -> Response:
    repo = repo_of(request, write=True)
    name = (await request.json())["tag"]
    if name in repo.tags:
        raise HubStorageError(409, None, f"Tag {name} already exists")
    repo.tags[name] = repo.resolve(revision_of(request)).oid
    return JSONResponse({})


async def delete_tag(request: Request) -> Response:
    repo = repo_of(request, write=True)
    if repo.tags.pop(revision_of(request), None) is None:
        raise HubStorageError(404, "RevisionNotFound", "No such tag")
    return JSONResponse({})


async def refs(request: Request) -> Response:
    repo = repo_of(request)

    def described(kind: str, names: dict[str, str]) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid}
            for name, oid in names.items()
        ]

    return JSONResponse(
        {
            "branches": described("heads", repo.branches),
            "tags": described("tags", repo.tags),
            "converts": [],
        }
    )


async def commits(request: Request) -> Response:
    repo = repo_of(request)
    history, oid = [], repo.resolve(revision_of(request)).oid
    while oid:
        entry = repo.commits[oid]
        history.append(
            {
                "id": entry.oid,
                "title": entry.message,
                "message": "",
                "authors": [{"user": request.app.state.user}],
                "date": "2026-01-01T00:00:00.000Z",
            }
        )
        oid = entry.parent or ""
    return JSONResponse(history)


async def info(request: Request) -> Response:
    repo = repo_of(request)
    head = repo.resolve(revision_of(request))
    reply = {
        "_id": head.oid[:24],
        "id": repo.name,
        "author": repo.name.split("/")[0],
        "sha": head.oid,
        "private": repo.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "lastModified": "2026-01-01T00:00:00.000Z",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": path} for path in sorted(head.files)],
    }
    if repo.sdk:
        reply["sdk"] = repo.sdk
    return JSONResponse(reply)


def _listed(file: StoredFile) -> dict[str, Any]:
    """A file as ``/tree`` and ``/paths-info`` describe it."""
    entry: dict[str, Any] = {
        "type": "file",
        "path": file.path,
        "size": file.size,
        "oid": file.blob_id,
    }
    if file.sha256 is not None:
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
    return entry


def _folders(repo: Repo, revision: str) -> set[str]:
    paths = repo.resolve(revision).files
    return {
        "/".join(path.split("/")[:depth])
        for path in paths
        for depth in range(1, path.count("/") + 1)
    }


async def tree(request: Request) -> Response:
    repo, revision = repo_of(request), revision_of(request)
    under = request.path_params.get("path", "")
    prefix = f"{under}/" if under else ""
    recursive = request.query_params.get("recursive", "").lower() in ("true", "1")
    entries: list[dict[str, Any]] = [
        {"type": "directory", "path": path, "oid": git_blob_id(path.encode()), "size": 0}
        for path in sorted(_folders(repo, revision))
    ] + [_listed(file) for _, file in sorted(repo.resolve(revision).files.items())]
    inside = [entry for entry in entries if entry["path"].startswith(prefix)]
    if not recursive:
        inside = [entry for entry in inside if "/" not in entry["path"][len(prefix) :]]
    return JSONResponse(inside)


async def paths_info(request: Request) -> Response:
    files = repo_of(request).resolve(revision_of(request)).files
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        paths = json.loads(body)["paths"]
    else:
        paths = parse_qs(body.decode())["paths"]
    return JSONResponse([_listed(files[path]) for path in paths if path in files])


_REPO = "/api/{kind:str}/{owner}/{name}"

routes = [
    Route("/api/whoami-v2", whoami),
    Route("/api/repos/create", create_repo, methods=["POST"]),
    Route("/api/validate-yaml", validate_yaml, methods=["POST"]),
    Route(_REPO + "/preupload/{revision}", preupload, methods=["POST"]),
    Route(_REPO + "/commit/{revision}", commit, methods=["POST"]),
    Route(_REPO + "/tag/{revision}", tag, methods=["POST"]),
    Route(_REPO + "/tag/{revision}", delete_tag, methods=["DELETE"]),
    Route(_REPO + "/refs", refs),
    Route(_REPO + "/commits/{revision}", commits),
    Route(_REPO + "/revision/{revision}", info),
    Route(_REPO + "/tree/{revision}", tree),
    Route(_REPO + "/tree/{revision}/{path:path}", tree),
    Route(_REPO + "/paths-info/{revision}", paths_info, methods=["POST"]),
    Route(_REPO, info),
]
