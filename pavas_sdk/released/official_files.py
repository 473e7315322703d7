"""Where official files are: in a folder that the user names, or on the Hub. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.files import make_folder, write_failure
from pavas_sdk.errors import OutputError, WeightsError
from pavas_sdk.interfaces import cache_folder
from pavas_sdk.released.releases import PublishedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.released.releases import OfficialFile, ReleasedComponent

__all__ = ["download", "find_in_folder", "where_to_put"]


def find_in_folder(
    components: Sequence[ReleasedComponent], folder: Path, *, preset: str
) -> dict[str, Path]:
    """Return the path of each component's file in ``folder``.

    A file is found under its published path, under its name, or by its name in a subfolder.

    Raises:
        WeightsError: Files are missing: all are listed with their repositories.
    """
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}; {where_to_put(components, preset)}")
    found: dict[str, Path] = {}
    for component in components:
        file = component.file
        nested = sorted(folder.rglob(file.name))
        for candidate in (folder / file.path, folder / file.name, *nested[:1]):
            if candidate.is_file():
                found[component.name] = candidate
                break
    missing = [component for component in components if component.name not in found]
    if missing:
        raise WeightsError(
            f"{folder} lacks {len(missing)} of the {len(components)} files that are needed; "
            + where_to_put(missing, preset, folder)
        )
    return found


def download(component: ReleasedComponent, *, preset: str, **hub_options: Any) -> Path:
    """Return the local path of an official file, fetched from the Hub when it is not cached.

    An interrupted download is begun again; files that were finished are kept.

    Args:
        component: Whose file.
        preset: For messages.
        **hub_options: ``cache_dir, force_download, local_files_only, token``.

    Raises:
        WeightsError: The Hub cannot be reached, or has no such file for this user.
        OutputError: The disk is full.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    file = component.file
    if isinstance(file, PublishedFile):
        return _download_published(file)
    try:
        return Path(hf_hub_download(file.repository, file.path, **hub_options))
    except GatedRepoError as err:
        raise WeightsError(
            f"{file.url} asks its users to accept a licence first; do so in a browser, then: "
            f"hf auth login, and again: pavas models download {preset}"
        ) from err
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as err:
        raise WeightsError(_unreachable(file)) from err
    except OSError as err:
        if err.errno is not None and not hasattr(err, "response"):
            raise OutputError(
                f"cannot keep {file.path} of {file.repository}: {err.strerror or err}; about "
                f"{file.size_bytes / 1e9:.1f} GB are needed; free some space, or set HF_HOME"
            ) from err
        raise WeightsError(_refused(file, err)) from err
    # The client's own connection errors share no base class with OSError.
    except Exception as err:
        raise WeightsError(_refused(file, err)) from err


def _download_published(file: PublishedFile) -> Path:
    """Fetch a file that is not on the Hub into the cache folder, whole or not at all."""
    from urllib.error import URLError

    from huggingface_hub.constants import HF_HUB_OFFLINE
    from torch.hub import download_url_to_file

    path = cache_folder() / "official" / file.name
    if path.is_file():
        return path
    if HF_HUB_OFFLINE:
        raise WeightsError(_unreachable(file))
    make_folder(path.parent)
    try:
        download_url_to_file(file.address, str(path), progress=False)
    except (URLError, TimeoutError, ConnectionError, EOFError) as err:
        raise WeightsError(_refused(file, err)) from err
    except OSError as err:
        raise write_failure(path, err) from err
    return path


def where_to_put(
    components: Sequence[ReleasedComponent], preset: str, folder: Path | None = None
) -> str:
    """Say which files are needed, where they are published, and what to type then."""
    lines = "\n".join(
        f"  {component.file.path}   {component.file.size_bytes / 1e9:.2f} GB   from "
        f"{component.file.url}"
        for component in components
    )
    target = "one folder, DIR" if folder is None else str(folder)
    return (
        f"get these files:\n{lines}\nput them into {target}, then: pavas models download {preset} "
        f"--from {folder or 'DIR'}"
    )


def _unreachable(file: OfficialFile) -> str:
    return (
        f"{file.path} of {file.repository} is not on this machine, and the Hub cannot be reached "
        "(or HF_HUB_OFFLINE is set)"
    )


def _refused(file: OfficialFile, err: Exception) -> str:
    return f"cannot download {file.path} of {file.repository}: {type(err).__name__}: {err}".strip()
