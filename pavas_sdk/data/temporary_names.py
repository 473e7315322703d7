"""Names of files that are being written: they tell who writes them, so that nobody's rubbish stays.

``.NAME.MACHINE-PID-START.RANDOM.part``: the process is known by its number and by when it began,
the machine by a digest of its name, its boot and its process namespace.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

__all__ = ["clear_abandoned", "is_abandoned", "shortened_bytes", "temporary_name"]

_NAME_BYTES = 100
_OWNER = re.compile(r"\.([0-9a-f]{8})-(\d+)-(\d+)\.[0-9a-f]{8}\.part$")


def temporary_name(name: str) -> str:
    """Return a hidden name for what becomes ``name`` and is being written by this process."""
    pid = os.getpid()
    owner = f"{_machine()}-{pid}-{_began(pid) or 0}"
    return f".{shortened_bytes(name, _NAME_BYTES)}.{owner}.{secrets.token_hex(4)}.part"


def is_abandoned(name: str) -> bool | None:
    """Return whether the process that writes a temporary file is dead; None: it cannot be known."""
    found = _OWNER.search(name)
    if found is None or found.group(1) != _machine() or os.name == "nt":
        return None  # another machine's, or Windows, where asking a process may end it
    pid, began = int(found.group(2)), int(found.group(3))
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return began != (_began(pid) or began)  # its number was given to another process


def clear_abandoned(folder: Path, *, unknown_older_than_s: float | None = None) -> list[Path]:
    """Remove what dead processes were writing into ``folder``, and return its names.

    Args:
        folder: Only its own entries are looked at.
        unknown_older_than_s: Also remove what nobody can be asked about (of another machine, or
            of an earlier version) when it was not touched for so long; None: leave it.
    """
    try:
        found = sorted(folder.glob(".*.part"))
    except OSError:
        return []
    return [path for path in found if _is_rubbish(path, unknown_older_than_s) and _remove(path)]


def shortened_bytes(name: str, limit: int) -> str:
    """Return ``name``, or as many of its characters as fit into ``limit`` bytes of a file name."""
    while len(os.fsencode(name)) > limit:
        name = name[:-1]
    return name


def _is_rubbish(path: Path, unknown_older_than_s: float | None) -> bool:
    dead = is_abandoned(path.name)
    if dead is not None or unknown_older_than_s is None:
        return bool(dead)
    try:
        return time.time() - path.stat().st_mtime > unknown_older_than_s
    except OSError:
        return False


def _remove(path: Path) -> bool:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        return True
    return False


@cache
def _machine() -> str:
    facts = [platform.node()]
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            path = Path(source)
            facts.append(str(path.readlink()) if path.is_symlink() else path.read_text("ascii"))
    return hashlib.sha256("\n".join(facts).encode("utf-8", "replace")).hexdigest()[:8]


def _began(pid: int) -> int | None:
    """Return when a process began, in ticks since the boot; None where Linux does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
