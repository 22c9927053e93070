"""Large objects: the LFS batch upload, and the CDN that hands them out."""

import hashlib

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.common import repo_of, send_bytes, storage
from tests.hub_server.storage import HubStorageError


async def batch(request: Request) -> Response:
    """Where each object is to be PUT; nothing for those already here."""
    repo_of(request, write=True)
    url = request.app.state.url
    objects = []
    for wanted in (await request.json())["objects"]:
        entry = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in storage(request).objects:
            entry["actions"] = {
                "upload": {"href": f"{request.app.state.cdn_url}/upload/{wanted['oid']}"},
                "verify": {"href": f"{url}/lfs/verify"},
            }
        objects.append(entry)
    return JSONResponse({"transfer": "basic", "objects": objects})


async def upload(request: Request) -> Response:
    """The PUT to "S3": its URL is the permission, so no token is sent or asked for."""
    data = await request.body()
    storage(request).put_object(request.path_params["sha256"], data)
    return Response(headers={"ETag": f'"{hashlib.md5(data).hexdigest()}"'})


async def verify(request: Request) -> Response:
    wanted = await request.json()
    data = storage(request).objects.get(wanted["oid"])
    if data is None or len(data) != wanted["size"]:
        raise HubStorageError(404, None, "The object is not here")
    return JSONResponse({})


async def download(request: Request) -> Response:
    """A file from the CDN, by the key that ``resolve`` put into the redirect."""
    found = storage(request).published.get(request.path_params["key"])
    if found is None:
        raise HubStorageError(403, None, "This signed address is not valid")
    return send_bytes(request, storage(request).content(found), {"ETag": f'"{found.etag}"'})


routes = [
    Route("/{owner}/{name}.git/info/lfs/objects/batch", batch, methods=["POST"]),
    Route("/{kind:str}/{owner}/{name}.git/info/lfs/objects/batch", batch, methods=["POST"]),
    Route("/lfs/verify", verify, methods=["POST"]),
]

cdn_routes = [
    Route("/upload/{sha256}", upload, methods=["PUT"]),
    Route("/cdn/{key:path}", download),
]
