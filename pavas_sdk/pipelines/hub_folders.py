"""A folder of files: on this machine, or a snapshot of a Hub repository without any code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["local_folder_of", "revision_of", "snapshot"]


def local_folder_of(
    source: str | os.PathLike[str], *, patterns: Sequence[str], what: str, **hub_options: Any
) -> Path:
    """Return the folder itself, or a snapshot of the repository ``owner/name``.

    Args:
        source: A folder, or a Hub repository.
        patterns: Which files are fetched, as globs.
        what: For messages.
        **hub_options: ``revision, token, cache_dir, local_files_only, force_download``.

    Raises:
        WeightsError: There is no such folder or repository, or the Hub cannot be reached.
    """
    folder = expanded(source)
    if folder.is_dir():
        return folder
    name = os.fspath(source)
    if name.count("/") != 1 or name.startswith((".", "~", "/")):
        raise WeightsError(
            f"there is no folder {name}; give the folder of a {what}, or a Hub repository "
            "(owner/name)"
        )
    return snapshot(name, patterns=patterns, **hub_options)


def revision_of(folder: Path) -> dict[str, str]:
    """Return the commit of a snapshot as ``{"revision": ...}``, nothing for any other folder."""
    is_snapshot = folder.parent.name == "snapshots" and len(folder.name) == 40
    return {"revision": folder.name} if is_snapshot else {}


def snapshot(repository: str, *, patterns: Sequence[str], **hub_options: Any) -> Path:
    """Return the local folder of some files of a Hub repository.

    Args:
        repository: ``owner/name``.
        patterns: Which files, as globs; leave code and pickled forms out.
        **hub_options: See `local_folder_of`.

    Raises:
        WeightsError: The Hub has no such repository, or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=list(patterns), **hub_options))
    except HFValidationError as err:
        raise WeightsError(f"{repository!r} is not a Hub repository name: {err}") from err
    except LocalEntryNotFoundError as err:
        raise WeightsError(
            f"{repository} is neither a local folder nor in the local cache, and the Hub cannot "
            "be reached; connect to the network, or give a folder"
        ) from err
    # The client's own connection errors share no base class with OSError.
    except Exception as err:
        raise WeightsError(
            f"cannot download {repository} from the Hub: {type(err).__name__}: {err}".strip()
        ) from err
