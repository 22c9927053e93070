"""Xet storage: the upload and download path that the client prefers when ``hf_xet`` is there.

Files arrive as *xorbs* (chunks, each compressed) and *shards* (which chunks make up which file).
The formats are those of https://huggingface.co/docs/xet (xorb.md, shard.md, api.md). The server
puts each file together and checks its sha256, so that a file is the same object whichever way it
came.
"""

import hashlib
import re
import struct
import time
from dataclasses import dataclass

import lz4.frame
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.common import repo_of, revision_of, send_bytes, storage
from tests.hub_server.storage import HubStorageError, Repo

_END = b"\xff" * 32
_WITH_VERIFICATION = 1 << 31
_WITH_SHA256 = 1 << 30


@dataclass(frozen=True)
class Xorb:
    """Serialized chunks: ``offsets[i]`` is where chunk ``i`` starts, ``sizes[i]`` its raw size."""

    data: bytes
    offsets: list[int]
    sizes: list[int]

    def chunks(self, start: int, end: int) -> bytes:
        """The content of chunks ``start`` (included) to ``end`` (not included)."""
        parts = []
        for offset in self.offsets[start:end]:
            _, packed, scheme, _ = _chunk_header(self.data, offset)
            parts.append(_unpack(self.data[offset + 8 : offset + 8 + packed], scheme))
        return b"".join(parts)


@dataclass(frozen=True)
class Term:
    """A run of chunks of one xorb, a part of a file."""

    xorb: str
    size: int
    start: int
    end: int


class Xet:
    """The content-addressed store: xorbs, and the files that were built from them."""

    def __init__(self, url: str, cdn_url: str, token: str) -> None:
        self.url, self.cdn_url, self.token = url, cdn_url, token
        self.xorbs: dict[str, Xorb] = {}
        self.files: dict[str, list[Term]] = {}
        self.by_sha256: dict[str, str] = {}

    def hash_of(self, sha256: str) -> str | None:
        """The Xet name of an object; ``None`` if it was not uploaded by way of Xet."""
        return self.by_sha256.get(sha256)

    def token_url(self, repo: Repo, revision: str, kind: str) -> str:
        """Where a client gets the short-lived token for this store."""
        return f"{self.url}/api/{repo.kind}s/{repo.name}/xet-{kind}-token/{revision}"

    def content(self, terms: list[Term]) -> bytes:
        """Put a file together."""
        return b"".join(self.xorbs[term.xorb].chunks(term.start, term.end) for term in terms)


def text(digest: bytes) -> str:
    """A Xet hash as text: four little-endian 64-bit numbers in hexadecimal (api.md)."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", digest))


def _chunk_header(data: bytes, offset: int) -> tuple[int, int, int, int]:
    """Version, packed size, compression scheme and raw size of the chunk at an offset."""
    version, scheme = data[offset], data[offset + 4]
    packed = int.from_bytes(data[offset + 1 : offset + 4], "little")
    return version, packed, scheme, int.from_bytes(data[offset + 5 : offset + 8], "little")


def _unpack(data: bytes, scheme: int) -> bytes:
    """Undo a chunk's compression: none, LZ4, or LZ4 over bytes grouped by position modulo 4."""
    if scheme == 0:
        return data
    raw: bytes = lz4.frame.decompress(data)
    if scheme == 1:
        return raw
    result, position = bytearray(len(raw)), 0
    for group in range(4):
        count = len(range(group, len(raw), 4))
        result[group::4] = raw[position : position + count]
        position += count
    return bytes(result)


def parse_xorb(data: bytes) -> Xorb:
    """Find the chunks; they end at the footer (which starts with a letter) or with the data."""
    offsets, sizes, offset = [], [], 0
    while offset + 8 <= len(data) and data[offset] == 0:
        _, packed, _, raw = _chunk_header(data, offset)
        offsets.append(offset)
        sizes.append(raw)
        offset += 8 + packed
    return Xorb(data[:offset], [*offsets, offset], sizes)


def parse_shard(data: bytes) -> list[tuple[str, list[Term], bytes | None]]:
    """Each file of a shard: its Xet hash, its terms, its sha256 (as the format stores it)."""
    files, position = [], 48  # past the header
    while data[position : position + 32] != _END:
        digest, flags, count = struct.unpack_from("<32sII", data, position)
        position += 48
        terms = []
        for _ in range(count):
            xorb, _, size, start, end = struct.unpack_from("<32sIIII", data, position)
            terms.append(Term(text(xorb), size, start, end))
            position += 48
        position += 48 * count if flags & _WITH_VERIFICATION else 0
        sha256 = None
        if flags & _WITH_SHA256:
            sha256 = data[position : position + 32]
            position += 48
        files.append((text(digest), terms, sha256))
    return files


async def token(request: Request) -> Response:
    """A short-lived token for the store. Writing asks for the account's token first."""
    store: Xet = request.app.state.xet
    repo = repo_of(request, write=request.path_params["scope"] == "write")
    if repo.branches.get(revision_of(request)) is None:
        repo.resolve(revision_of(request))
    expires = int(time.time()) + 3600
    return JSONResponse(
        {"casUrl": store.cdn_url, "exp": expires, "accessToken": store.token},
        headers={
            "X-Xet-Cas-Url": store.cdn_url,
            "X-Xet-Access-Token": store.token,
            "X-Xet-Token-Expiration": str(expires),
        },
    )


def _allowed(request: Request) -> Xet:
    store: Xet = request.app.state.xet
    if request.headers.get("authorization") != f"Bearer {store.token}":
        raise HubStorageError(401, None, "The Xet token is missing")
    return store


async def upload_xorb(request: Request) -> Response:
    store, name = _allowed(request), request.path_params["hash"]
    new = name not in store.xorbs
    store.xorbs[name] = parse_xorb(await request.body())
    return JSONResponse({"was_inserted": new})


async def upload_shard(request: Request) -> Response:
    """Register the files of a shard; the sha256 that the client claims must be right."""
    store = _allowed(request)
    for name, terms, claimed in parse_shard(await request.body()):
        data = store.content(terms)
        digest = hashlib.sha256(data)
        if claimed is not None and text(claimed) != digest.hexdigest():
            raise HubStorageError(400, None, "The file does not match its sha256")
        store.files[name] = terms
        store.by_sha256[digest.hexdigest()] = name
        storage(request).put_object(digest.hexdigest(), data)
    return JSONResponse({"result": 1})


async def reconstruction(request: Request) -> Response:
    """Which chunks make up a file, and where to get them; with a range, only those needed."""
    store, name = _allowed(request), request.path_params["hash"]
    if name not in store.files:
        raise HubStorageError(404, None, "No such file")
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    first = int(wanted[1]) if wanted else 0
    last = int(wanted[2]) if wanted and wanted[2] else sum(t.size for t in store.files[name]) - 1
    terms, skipped, position = [], 0, 0
    for term in store.files[name]:
        if position + term.size > first and position <= last:
            skipped = skipped if terms else first - position
            terms.append(term)
        position += term.size
    if not terms:
        raise HubStorageError(416, None, "The range starts past the end of the file")
    return JSONResponse(
        {
            "offset_into_first_range": skipped,
            "terms": [
                {
                    "hash": term.xorb,
                    "unpacked_length": term.size,
                    "range": {"start": term.start, "end": term.end},
                }
                for term in terms
            ],
            "fetch_info": _fetch_info(store, terms),
        }
    )


def _fetch_info(store: Xet, terms: list[Term]) -> dict[str, list[dict[str, object]]]:
    """For each xorb, the address and the byte range (both ends included) of each run of chunks."""
    info: dict[str, list[dict[str, object]]] = {}
    for term in dict.fromkeys(terms):
        offsets = store.xorbs[term.xorb].offsets
        info.setdefault(term.xorb, []).append(
            {
                "range": {"start": term.start, "end": term.end},
                "url": f"{store.cdn_url}/cdn/xorb/{term.xorb}",
                "url_range": {"start": offsets[term.start], "end": offsets[term.end] - 1},
            }
        )
    return info


async def download_xorb(request: Request) -> Response:
    """The bytes of a xorb, by range; the address is the permission."""
    found = request.app.state.xet.xorbs.get(request.path_params["hash"])
    if found is None:
        raise HubStorageError(404, None, "No such xorb")
    return send_bytes(request, found.data, {})


routes = [
    Route("/api/{kind:str}/{owner}/{name}/xet-{scope:str}-token/{revision}", token),
]

cdn_routes = [
    Route("/v1/xorbs/default/{hash}", upload_xorb, methods=["POST"]),
    Route("/v1/shards", upload_shard, methods=["POST"]),
    Route("/v1/reconstructions/{hash}", reconstruction),
    Route("/cdn/xorb/{hash}", download_xorb),
]
