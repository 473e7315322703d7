"""The cache folder: converted components, and the pipelines that share them. No torch.

Everything is made under a name that begins with a dot, and renamed when it is whole. A lock per
name keeps two processes from doing the same work; the system frees it when its owner dies, so
what lies there under a dotted name while the lock is held is rubbish.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock

from pavas_sdk.data.temporary_names import temporary_name
from pavas_sdk.errors import OutputError
from pavas_sdk.interfaces import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "components_folder",
    "locked",
    "new_folder",
    "pipelines_folder",
    "publish",
]


def components_folder() -> Path:
    """Return the folder of converted components, one folder each."""
    return cache_folder() / "components"


def pipelines_folder() -> Path:
    """Return the folder of complete pipelines, one folder each."""
    return cache_folder() / "pipelines"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only process that makes ``folder``, and clear away what dead ones left of it.

    Raises:
        OutputError: The parent folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            for stale in folder.parent.glob(f".{folder.name}.*.part"):
                shutil.rmtree(stale, ignore_errors=True)
            yield
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise OutputError(
            f"cannot write {folder}: {err.strerror or err}; set PAVAS_CACHE to a folder that you "
            "may write to"
        ) from err


@contextmanager
def new_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield the path of a folder to make; it becomes ``folder`` at the end, or vanishes.

    Args:
        folder: The final place.
        replace: Whether something may be there already.
    """
    temporary = folder.with_name(temporary_name(folder.name))
    try:
        yield temporary
        publish(temporary, folder, replace=replace)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def publish(temporary: Path, folder: Path, *, replace: bool) -> None:
    """Rename ``temporary`` to ``folder``; what was there goes first, under a dotted name."""
    old = folder.with_name(temporary_name(folder.name))
    if replace and folder.exists():
        folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
