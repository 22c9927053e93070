"""What the loopback Hub stores: repos, their commits, and large objects, all in memory."""

import hashlib
import itertools
from dataclasses import dataclass, field

# The Hub keeps these out of git (see the .gitattributes of any model repo), whatever their size.
LARGE_SUFFIXES = (".safetensors", ".bin", ".pt", ".npz", ".png", ".woff2", ".gif", ".jpg")
LARGE_BYTES = 10_000_000
GITATTRIBUTES = "".join(
    f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_SUFFIXES
)


class HubStorageError(Exception):
    """A request that the Hub refuses. ``status`` and ``code`` become the reply's headers."""

    def __init__(self, status: int, code: str | None, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def git_blob_id(data: bytes) -> str:
    """Git's name of a blob: the sha1 of ``blob <size>\\0`` and the content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path: str, size: int) -> bool:
    """Whether the Hub would keep this file as an LFS object."""
    return size > 0 and (path.endswith(LARGE_SUFFIXES) or size > LARGE_BYTES)


@dataclass(frozen=True)
class StoredFile:
    """One file of one commit. ``sha256`` is set when its content is an LFS object."""

    path: str
    blob_id: str
    size: int
    data: bytes | None = None
    sha256: str | None = None

    @property
    def etag(self) -> str:
        """What the Hub sends as ETag: the sha256 of an LFS object, else the git blob id."""
        return self.sha256 or self.blob_id


@dataclass(frozen=True)
class Commit:
    """A commit: its name, its parent, and the whole tree by path."""

    oid: str
    parent: str | None
    message: str
    files: dict[str, StoredFile]


@dataclass
class Repo:
    """A repo: branches and tags name commits."""

    kind: str
    name: str
    private: bool = False
    sdk: str | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag or a full commit hash names."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        if oid not in self.commits:
            raise HubStorageError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.commits[oid]


class Storage:
    """Every repo and every large object of the server."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.published: dict[str, StoredFile] = {}
        self._counter = itertools.count()

    def create_repo(
        self, kind: str, name: str, private: bool = False, sdk: str | None = None
    ) -> Repo:
        """A new repo with the first commit that the Hub makes by itself."""
        if (kind, name) in self.repos:
            raise HubStorageError(409, None, "You already created this repo")
        repo = Repo(kind, name, private, sdk)
        self.repos[kind, name] = repo
        data = GITATTRIBUTES.encode()
        first = StoredFile(".gitattributes", git_blob_id(data), len(data), data)
        self._add_commit(repo, "main", None, "initial commit", {first.path: first})
        return repo

    def repo(self, kind: str, name: str) -> Repo:
        """The repo, or the Hub's 404."""
        if (kind, name) not in self.repos:
            raise HubStorageError(404, "RepoNotFound", "Repository not found")
        return self.repos[kind, name]

    def content(self, file: StoredFile) -> bytes:
        """The bytes of a file, wherever they are kept."""
        if file.sha256 is not None:
            return self.objects[file.sha256]
        assert file.data is not None
        return file.data

    def put_object(self, sha256: str, data: bytes) -> None:
        """Keep an LFS object; its name must be its sha256."""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise HubStorageError(400, None, "The uploaded content does not match its sha256")
        self.objects[sha256] = data

    def publish(self, file: StoredFile) -> str:
        """Make a file available on the CDN; the key plays the signature in the address."""
        key = f"{file.etag[:16]}/{file.path}"
        self.published[key] = file
        return key

    def commit(
        self,
        repo: Repo,
        branch: str,
        message: str,
        changes: dict[str, StoredFile | None],
        parent: str | None = None,
    ) -> Commit:
        """Apply changes (``None`` deletes a file) on top of a branch.

        Raises:
            HubStorageError: 412 when ``parent`` is given and is no longer the branch's head.
        """
        head = repo.resolve(branch)
        if parent is not None and parent != head.oid:
            raise HubStorageError(
                412, None, "A commit has happened since. Please refresh and try again."
            )
        files = dict(head.files)
        for path, file in changes.items():
            if file is None:
                files.pop(path, None)
            else:
                files[path] = file
        if files == head.files:
            return head
        return self._add_commit(repo, branch, head.oid, message, files)

    def _add_commit(
        self,
        repo: Repo,
        branch: str,
        parent: str | None,
        message: str,
        files: dict[str, StoredFile],
    ) -> Commit:
        """Store a commit and move the branch. The counter stands in for git's time stamp."""
        text = f"{parent} {message} {next(self._counter)} {sorted(files)} {repo.kind} {repo.name}"
        commit = Commit(hashlib.sha1(text.encode()).hexdigest(), parent, message, files)
        repo.commits[commit.oid] = commit
        repo.branches[branch] = commit.oid
        return commit
