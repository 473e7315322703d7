"""Weights of a plugin from the Hugging Face Hub: from its cache, or fetched when that is allowed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import MissingWeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["hub_folder"]

logger = logging.getLogger(__name__)


def hub_folder(
    repository: str,
    *,
    patterns: Sequence[str],
    revision: str | None = None,
    download: bool = False,
    what: str = "the component",
) -> Path:
    """Return the local folder of a repository's files.

    Args:
        repository: ``owner/name``.
        patterns: Which files, as globs; leave pickled formats out.
        revision: Branch, tag or commit.
        download: Whether files that are not cached may be fetched.
        what: Whose weights, for the message.

    Raises:
        MissingWeightsError: They are not cached and were not, or could not be, fetched.
    """
    from huggingface_hub import snapshot_download

    for local_only in (True, False) if download else (True,):
        if not local_only:
            logger.info("fetching %s", repository)
        try:
            return Path(
                snapshot_download(
                    repository,
                    revision=revision,
                    allow_patterns=list(patterns),
                    local_files_only=local_only,
                )
            )
        # All errors: those of the client share no public base class (no network, no repository, no
        # revision, a malformed name), and each means the same here. The last one is the cause.
        except Exception as err:  # noqa: BLE001
            reason = err
    at = f" at revision {revision!r}" if revision else ""
    option = f" --revision {revision}" if revision else ""
    said = f" ({type(reason).__name__}: {str(reason).strip().partition(chr(10))[0][:200]})"
    if not download and type(reason).__name__ == "LocalEntryNotFoundError":
        said = ""  # it was only looked for here: nothing else to tell
    raise MissingWeightsError(
        f"the weights of {what} ({repository}{at}) are not on this machine{said}\n"
        f"Files needed:   {', '.join(patterns)}\n"
        f"Fetch them:     hf download {repository}{option}\n"
        "Or name a local folder that holds them"
        + ("" if download else ", or let them be fetched (download=True, --set SLOT.download=true)")
    ) from reason
