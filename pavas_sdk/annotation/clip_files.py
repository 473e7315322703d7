"""Videos that lie elsewhere: addresses that fsspec opens, copied for as long as they are read."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import InputError, MediaError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["is_address", "list_address", "local_file"]


def is_address(path: str) -> bool:
    """Return whether a path is an address with a protocol, such as ``s3://bucket/clip.mp4``."""
    protocol, mark, _ = path.partition("://")
    return bool(mark) and protocol.replace("+", "").isalnum()


def list_address(address: str, suffixes: Collection[str]) -> list[str]:
    """Return the addresses of the files with one of these suffixes below an address.

    Raises:
        InputError: It cannot be listed, or its protocol needs a package that is missing.
    """
    import fsspec

    protocol = address.partition("://")[0]
    try:
        system: Any
        system, root = fsspec.core.url_to_fs(address)
        found = system.find(root)
    except (ImportError, ValueError, OSError) as err:
        raise InputError(f"cannot list {address}: {err}") from err
    return sorted(
        f"{protocol}://{name.removeprefix(f'{protocol}://')}"
        for name in found
        if PurePosixPath(name).suffix.lower() in suffixes
    )


@contextmanager
def local_file(path: str) -> Iterator[Path]:
    """Yield a file on this machine: the path itself, or a copy that is removed afterwards.

    Raises:
        MediaError: An address cannot be read.
    """
    if not is_address(path):
        yield Path(path)
        return
    import fsspec

    with tempfile.TemporaryDirectory(prefix="pavas-clip-") as folder:
        copy = Path(folder) / (PurePosixPath(path).name or "clip")
        try:
            with fsspec.open(path, "rb") as stream, copy.open("wb") as target:
                shutil.copyfileobj(stream, target, 2**20)
        except (ImportError, ValueError, OSError) as err:
            raise MediaError(f"cannot read {path}: {err}") from err
        yield copy
