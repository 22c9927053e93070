"""Publish the zoo's weights to one Hugging Face Hub repo, or the app as a Space.

    python -m training.publish --repo OWNER/NAME [--tag v1.0.0] [--private] [--dry-run]
    python -m training.publish space --repo OWNER/SPACE [--private] [--dry-run]
    python -m training.publish masks MODEL

Nothing is published that fails its own check (see `training.publish.checks`) or whose metric is
worse than what the Hub has (unless ``--allow-worse``). One commit holds everything; a change that
somebody else makes on the Hub in the meantime is noticed, not overwritten. At the end the commit
hash goes into ``zoo/catalog.json``, which from then on pins it. The token comes from where the Hub
client looks for it (``hf auth login``, ``HF_TOKEN``) and is neither shown nor stored here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.engine.model_folder import BUNDLE, CATALOG
from training.publish.checks import check_model, worse_metrics, write_masks
from training.publish.commit import commit_on_top
from training.publish.repo_files import MANIFEST, hub_files, pinned_files
from zoo.command_parser import CommandParser

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def publish_weights(
    repo: str,
    tag: str | None = None,
    private: bool = False,
    dry_run: bool = False,
    allow_worse: bool = False,
) -> str | None:
    """Publish every model of the catalog; return the commit hash (None for a dry run).

    Raises:
        TrainingError: a check fails, or the Hub refuses; nothing is changed in that case.
    """
    files = hub_files(repo)
    for name in sorted({path.split("/")[0] for path in pinned_files()}):
        print(check_model(name, BUNDLE / name))
    commit = send(repo, files, tag, private, dry_run, allow_worse)
    if commit is None:
        return None
    _pin(repo, commit)
    for path, pin in pinned_files().items():
        print(f"{pin['sha256']}  {path}")
    return commit


def send(
    repo: str,
    files: Mapping[str, bytes],
    tag: str | None = None,
    private: bool = False,
    dry_run: bool = False,
    allow_worse: bool = False,
    alone: bool = False,
) -> str | None:
    """Make a repo hold these files and no others, in one commit; return its hash.

    Args:
        repo: ``owner/name``.
        files: content by path, a manifest among them.
        tag: put on the commit.
        private: make a new repo private.
        dry_run: list what would change, send nothing, and return None.
        allow_worse: even if the repo has better metrics.
        alone: refuse a repo that holds other models, which would be deleted.

    Raises:
        TrainingError: the Hub refuses, or has something better; nothing is changed in that case.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi()
    if not dry_run:
        _check_account(api)
    if dry_run and not api.repo_exists(repo):
        _list_files(files, "would be created")
        return None
    if not dry_run:
        api.create_repo(repo, private=private or None, exist_ok=True)
    head = _head(api, repo)
    before = _published(api, repo, head)
    changed = _changed(files, before["files"])
    gone = sorted(set(before["files"]) - set(files))
    _check_tag(api, repo, tag, None if changed or gone else head)
    if alone:
        _check_alone(repo, _records(files), before["records"])
    if not allow_worse:
        _check_better(repo, _records(files), before["records"])
    if dry_run:
        _list_files(changed, "would change")
        return None
    operations: list[Any] = [
        CommitOperationAdd(path, content) for path, content in sorted(files.items())
    ]
    operations += [CommitOperationDelete(path) for path in gone]
    commit = commit_on_top(
        api, repo, operations, head, f"Publish {', '.join(sorted(_records(files)))}"
    )
    _check_arrived(api, repo, commit, files)
    if tag and tag not in _tags(api, repo):
        api.create_tag(repo, tag=tag, revision=commit)
    print("Nothing has changed since the last commit." if commit == head else "Published.")
    print(f"{repo} @ {commit}" + (f" ({tag})" if tag else ""))
    return commit


def _check_alone(repo: str, ours: Mapping[str, Any], published: Mapping[str, Any]) -> None:
    if others := sorted(published.keys() - ours.keys()):
        raise TrainingError(
            f"{repo} holds {', '.join(others)}, which would be deleted; give a repo of its own."
        )


def _check_better(repo: str, ours: Mapping[str, Any], published: Mapping[str, Any]) -> None:
    if worse := worse_metrics(ours, published):
        raise TrainingError(
            f"{repo} has better weights ({'; '.join(worse)}); publish anyway with --allow-worse."
        )


def _check_account(api: HfApi) -> None:
    from huggingface_hub.errors import LocalTokenNotFoundError

    try:
        api.whoami()
    except LocalTokenNotFoundError:
        raise TrainingError("Log in first: `hf auth login`, or set HF_TOKEN.") from None


def _head(api: HfApi, repo: str) -> str:
    """The commit that the repo is at: what our commit must come straight after."""
    head = api.repo_info(repo).sha
    assert head is not None
    return head


def _tags(api: HfApi, repo: str) -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(repo).tags}


def _check_tag(api: HfApi, repo: str, tag: str | None, commit: str | None) -> None:
    """A tag never moves: what others pinned must stay what it was.

    Args:
        commit: the commit that will be tagged; None if it does not exist yet.
    """
    if tag and _tags(api, repo).get(tag, commit) != commit:
        raise TrainingError(f"{repo} has a tag {tag} on another commit; choose a new one.")


def _published(api: HfApi, repo: str, head: str) -> dict[str, Any]:
    """What the repo holds now: its manifest's files, and the records by model."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    def read(path: str) -> Any:
        return read_json(Path(hf_hub_download(repo, path, revision=head, endpoint=api.endpoint)))

    try:
        files = read(MANIFEST)["files"]
    except RemoteEntryNotFoundError:  # a new repo
        return {"files": {}, "records": {}}
    except (ValueError, KeyError) as error:
        raise TrainingError(
            f"{MANIFEST} of {repo} is damaged ({error}); delete it there."
        ) from None
    records = {path.split("/")[0]: read(path) for path in files if path.endswith("/record.json")}
    return {"files": files, "records": records}


def _records(files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        path.split("/")[0]: json.loads(content)
        for path, content in files.items()
        if path.endswith("/record.json")
    }


def _check_arrived(api: HfApi, repo: str, commit: str, files: Mapping[str, bytes]) -> None:
    """Compare what the Hub says it holds with what was sent."""
    from huggingface_hub import RepoFile

    held = {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in api.list_repo_tree(repo, recursive=True, revision=commit)
        if isinstance(entry, RepoFile)
    }
    for path, content in files.items():
        names = {hashlib.sha256(content).hexdigest(), _git_blob_id(content)}
        if held.get(path) not in names:
            raise TrainingError(f"{path} did not arrive on the Hub as it was sent; publish again.")


def _git_blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _pin(repo: str, commit: str) -> None:
    """Write repo, commit and nothing else anew into the catalog; the hashes are there already."""
    catalog = read_json(CATALOG)
    write_json(CATALOG, {**catalog, "repo": repo, "revision": commit})


def _changed(files: Mapping[str, bytes], before: Mapping[str, Any]) -> dict[str, bytes]:
    return {
        path: content
        for path, content in files.items()
        if path != MANIFEST
        and before.get(path, {}).get("sha256") != hashlib.sha256(content).hexdigest()
    }


def _list_files(files: Mapping[str, bytes], what: str) -> None:
    for path, content in sorted(files.items()):
        print(f"{what}: {path} ({len(content):,} bytes)")
    print("Dry run: nothing was sent." if files else "Dry run: nothing would change.")


def main() -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m training.publish",
        description=(__doc__ or "").splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(__doc__ or "").split("\n\n", 1)[1],
    )
    parser.add_argument("what", nargs="?", default="weights", choices=["weights", "space", "masks"])
    parser.add_argument("model", nargs="?", help="for masks: a segmentation model")
    parser.add_argument("--repo", metavar="OWNER/NAME")
    parser.add_argument("--tag", metavar="NAME", help="put this tag on the commit")
    parser.add_argument("--private", action="store_true", help="make a new repo private")
    parser.add_argument("--dry-run", action="store_true", help="check and list, send nothing")
    parser.add_argument("--allow-worse", action="store_true")
    arguments = parser.parse_args()
    if arguments.what == "masks":
        if not arguments.model:
            parser.error("masks needs the name of a model")
        for path in write_masks(arguments.model):
            print(path)
        return 0
    if not arguments.repo or arguments.repo.count("/") != 1:
        parser.error("--repo OWNER/NAME is needed")
    with hub_errors():
        if arguments.what == "space":
            from training.publish.space import publish_space

            publish_space(arguments.repo, arguments.private, arguments.dry_run)
        else:
            publish_weights(
                arguments.repo,
                arguments.tag,
                arguments.private,
                arguments.dry_run,
                arguments.allow_worse,
            )
    return 0


@contextmanager
def hub_errors() -> Iterator[None]:
    """Turn what the Hub's client raises in the block into a `TrainingError`, one sentence."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        advice = {
            401: "the token is not valid: `hf auth login`",
            403: "this token may not write there",
            404: "there is no such repo, or the token may not see it",
        }.get(status, "try again later")
        raise TrainingError(f"The Hub refused with HTTP {status}: {advice}.") from None
    except (httpx2.HTTPError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"The connection to the Hub failed: {reason}") from None
