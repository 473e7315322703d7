"""Files that others may read: safetensors writes its own for their owner alone, whatever the umask says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pavas_sdk.data.temporary_names import temporary_name

__all__ = ["as_the_umask_says"]

_OWNER_ALONE = 0o600


def as_the_umask_says(path: str | os.PathLike[str]) -> None:
    """Give safetensors files the permissions that a new file has here.

    Only files that nobody but their owner may read are changed; what cannot be changed stays.

    Args:
        path: A file, or a folder with files at any depth.
    """
    if os.name == "nt":  # no such permissions
        return
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.rglob("*.safetensors"))
    files = [file for file in files if file.stat().st_mode & 0o777 == _OWNER_ALONE]
    if not files:
        return
    # the umask can only be read by setting it, which other threads would feel
    probe = files[0].with_name(temporary_name("probe"))
    with suppress(OSError):
        try:
            probe.touch()
            mode = probe.stat().st_mode & 0o777
        finally:
            probe.unlink(missing_ok=True)
        for file in files:
            file.chmod(mode)
