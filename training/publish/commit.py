"""One commit on the Hub that never overwrites somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.engine.failures import TrainingError

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def commit_on_top(
    api: HfApi,
    repo: str,
    operations: list[Any],
    parent: str | None,
    message: str,
    repo_type: str = "model",
) -> str:
    """Make one commit on top of ``parent`` and return its hash; ``parent`` if nothing changes.

    Raises:
        TrainingError: if the repo has moved on from ``parent`` in the meantime.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return api.create_commit(
            repo, operations, commit_message=message, parent_commit=parent, repo_type=repo_type
        ).oid
    except HfHubHTTPError as error:
        if error.response.status_code == 412:
            what = f"the Space {repo}" if repo_type == "space" else repo
            raise TrainingError(
                f"Somebody changed {what} just now; look at its new commit, then publish again."
            ) from None
        raise
