"""Writing files so that an interrupted or failed write leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pavas_sdk.data.temporary_names import clear_abandoned, temporary_name
from pavas_sdk.errors import OutputError, OutputExistsError, PavasError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["make_folder", "replacing", "write_failure", "write_text"]

_Error = TypeVar("_Error", bound=OutputError)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def replacing(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; rename it to ``path`` at the end.

    When the body raises (also KeyboardInterrupt) the temporary file is removed and ``path`` is
    as it was before.

    Args:
        path: The final file. Its folder must exist.
        overwrite: Replace an existing file.

    Yields:
        Path of a file that does not exist yet; the body creates it.

    Raises:
        OutputExistsError: ``path`` exists and ``overwrite`` is False.
        OutputError: The folder is missing or not writable, the disk is full, or ``path`` is a
            folder.
    """
    final = Path(path)
    _check_target(final, overwrite=overwrite)
    _clear_once(final.parent)
    temporary = final.with_name(temporary_name(final.name))
    try:
        yield temporary
        if not overwrite and final.exists():
            raise _exists(final)
        os.replace(temporary, final)  # noqa: PTH105 - the atomic call, by its own name
    except OSError as err:
        if isinstance(err, PavasError):  # says more: a missing weight's is an OSError, too
            raise
        raise write_failure(final, err) from err
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str, *, overwrite: bool = False) -> None:
    """Write UTF-8 text to ``path`` through `replacing`; its folder is made when it is missing.

    Raises:
        OutputExistsError: The file exists and ``overwrite`` is False.
        OutputError: It cannot be written.
    """
    path = Path(path)
    make_folder(path.parent)
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def make_folder(folder: Path) -> None:
    """Make ``folder`` and its parents where they are missing.

    Raises:
        OutputError: It cannot be made, or is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(
            f"cannot make the folder {folder}: {err.strerror}; choose a folder that you may write to"
        ) from err


def write_failure(path: Path, err: OSError) -> OutputError:
    """Return the typed error for an operating-system error while writing ``path``."""
    reason = err.strerror or str(err)
    if err.errno in _FULL:
        hint = "free some space, or choose another output folder"
    elif err.errno in _FORBIDDEN:
        hint = "choose a folder that you may write to"
    else:
        hint = "check the output folder, or choose another"
    return _numbered(
        OutputError(f"cannot write {path}: {reason}; nothing was left behind; {hint}"),
        err.errno or errno.EIO,
    )


def _numbered(error: _Error, number: int) -> _Error:
    """Set ``errno`` without its number appearing in the message."""
    error.errno = number
    return error


@cache
def _clear_once(folder: Path) -> None:
    """Remove what dead processes left in a folder that this one writes to."""
    clear_abandoned(folder)


def _exists(path: Path) -> OutputExistsError:
    return _numbered(
        OutputExistsError(
            f"{path} exists and is kept; pass overwrite=True (--overwrite) or choose another name"
        ),
        errno.EEXIST,
    )


def _check_target(path: Path, *, overwrite: bool) -> None:
    folder = path.parent
    if path.is_dir():
        raise _numbered(
            OutputError(
                f"cannot write {path}: it is a folder; give a file name, such as {path / 'out.wav'}"
            ),
            errno.EISDIR,
        )
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise _numbered(
            OutputError(
                f"cannot write {path}: the folder {folder} {what}; create it first (mkdir -p)"
            ),
            errno.ENOENT,
        )
    if path.exists() and not overwrite:
        raise _exists(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _numbered(
            OutputError(
                f"cannot write {path}: no permission to write into {folder}; "
                "choose a folder that you may write to"
            ),
            errno.EACCES,
        )
