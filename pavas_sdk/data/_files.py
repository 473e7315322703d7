"""Writing without ever leaving half a file: a temporary name first, then a rename."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import OutputError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["replacing", "write_text"]


@contextmanager
def replacing(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` with the same suffix; rename it on success.

    Whatever goes wrong inside (also an interrupt), the temporary file is removed and ``path`` is
    as it was.

    Raises:
        OutputExistsError: ``path`` exists and ``overwrite`` is False.
        OutputError: The folder does not exist, is not writable, or is full.
    """
    path = Path(path)
    if not overwrite and path.exists():
        raise OutputExistsError(f"{path} exists; pass overwrite=True (--overwrite) to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
    except OSError as err:
        raise OutputError(
            f"cannot write {path}: {err.strerror or err}; choose a writable folder"
        ) from err
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as err:
        raise OutputError(
            f"cannot write {path}: {err.strerror or err}; free some space or choose another folder"
        ) from err
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write UTF-8 text to ``path`` through `replacing`.

    Raises:
        OutputError: The file cannot be written.
        OutputExistsError: It exists and ``overwrite`` is False.
    """
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
