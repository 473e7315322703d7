"""A name that one process works on alone, and what a dead one had ready is brought to its end.

A claim of NAME in a folder is a lock on ``.pavas-NAME.lock``, which the system frees when its owner
dies, and a hidden folder ``.pavas-NAME`` for drafts. When the drafts are whole, a journal with
their hashes is written and they are moved, one by one. A process that is killed before the journal
leaves nothing; one that is killed later leaves a journal, and the next claim, or `recover`, moves
the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pavas_sdk.data.documents import read_object
from pavas_sdk.data.files import write_failure
from pavas_sdk.data.temporary_names import shortened_bytes
from pavas_sdk.errors import FormatError, OutputError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Claim", "ClaimedError", "claimed", "file_sha256", "recover"]

_JOURNAL = "journal.json"
_ROOM, _ROOM_BYTES = "room", 65_536
_NAME_BYTES = 120


class ClaimedError(OutputExistsError):
    """Another process that is alive makes the same files."""


class Claim:
    """A name of one's own in a folder.

    Attributes:
        folder: Where the files go.
        drafts: The hidden folder in which they are made.
    """

    def __init__(self, folder: Path, drafts: Path) -> None:
        self.folder = folder
        self.drafts = drafts

    def free_room(self) -> None:
        """Give back the space that was kept for what says that the rest is there."""
        (self.drafts / _ROOM).unlink(missing_ok=True)

    def publish(self, names: Sequence[str], seals: Sequence[str], *, overwrite: bool) -> None:
        """Move drafts to the folder, in this order: the seals, which come last, say that all are there.

        Args:
            names: Files in ``drafts``.
            seals: More of them; existing ones are removed first, as they speak of files that go.
            overwrite: Replace existing files.

        Raises:
            OutputExistsError: One of them exists; none was moved.
            OutputError: The folder cannot be written.
        """
        names = [*names, *seals]
        there = [name for name in names if (self.folder / name).exists()]
        if there and not overwrite:
            raise OutputExistsError(
                f"{self.folder / there[0]} appeared meanwhile and is kept; use --overwrite to "
                "replace it, or another folder with -o"
            )
        files = {name: file_sha256(self.drafts / name) for name in names}
        journal = {"files": files, "overwrite": overwrite}
        self.free_room()
        draft = self.drafts / f"{_JOURNAL}.part"
        draft.write_text(json.dumps(journal), encoding="utf-8")
        draft.replace(self.drafts / _JOURNAL)
        for name in seals if overwrite else ():
            (self.folder / name).unlink(missing_ok=True)
        moved: list[str] = []
        try:
            for name in names:
                (self.drafts / name).replace(self.folder / name)
                moved.append(name)
        except OSError:  # the folder went full or away: it is left as it was
            (self.drafts / _JOURNAL).unlink(missing_ok=True)
            for name in () if overwrite else moved:
                (self.folder / name).unlink(missing_ok=True)
            raise


@contextmanager
def claimed(folder: Path, name: str) -> Iterator[Claim]:
    """Be the only process that makes the files called NAME in a folder that exists.

    A little space is taken at once: a disk that is full is found before any work, and one that gets
    full meanwhile still takes the journal.

    Raises:
        ClaimedError: Another process that is alive does.
        OutputError: The folder cannot be written.
    """
    drafts = folder / f".pavas-{_short(name)}"
    lock = FileLock(drafts.with_name(f"{drafts.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ClaimedError(
            f"another process makes {folder / name} just now; wait for it, or choose another "
            "folder with -o"
        ) from None
    except OSError as err:
        raise write_failure(folder / name, err) from err
    try:
        _finish(drafts, folder)
        drafts.mkdir()
        # no zeros, which a file system may keep in no space at all
        (drafts / _ROOM).write_bytes(os.urandom(_ROOM_BYTES))
        yield Claim(folder, drafts)
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise write_failure(folder / name, err) from err
    finally:
        _let_go(lock, drafts)


def recover(folder: Path) -> list[str]:
    """Bring to an end what dead processes left in a folder; return the files that were finished.

    What they had whole is moved to its place, the rest is removed. What live ones work on stays.

    Raises:
        OutputError: The folder cannot be written.
    """
    finished: list[str] = []
    for mark in sorted(folder.glob(".pavas-*.lock")):
        drafts = mark.with_name(mark.name.removesuffix(".lock"))
        lock = FileLock(mark, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        except OSError as err:
            raise write_failure(folder, err) from err
        try:
            finished += _finish(drafts, folder)
        except OSError as err:
            raise write_failure(folder, err) from err
        finally:
            _let_go(lock, drafts)
    return finished


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _finish(drafts: Path, folder: Path) -> list[str]:
    """Move what a dead process had whole, remove the rest."""
    moved: list[str] = []
    if (drafts / _JOURNAL).is_file():
        with suppress(FormatError, KeyError, TypeError, AttributeError):
            journal = read_object(drafts / _JOURNAL)
            names = [str(name) for name in journal["files"]]
            waiting = [name for name in names if _is_whole(drafts, name, journal["files"])]
            foreign = [name for name in waiting if (folder / name).exists()]
            gone = [name for name in names if name not in waiting]
            whole = all(_is_whole(folder, name, journal["files"]) for name in gone)
            if waiting and whole and (journal["overwrite"] or not foreign):
                for name in waiting:
                    (drafts / name).replace(folder / name)
                    moved.append(name)
    shutil.rmtree(drafts, ignore_errors=True)
    return moved


def _is_whole(folder: Path, name: str, hashes: dict[str, str]) -> bool:
    path = folder / name
    return os.path.basename(name) == name and path.is_file() and file_sha256(path) == hashes[name]  # noqa: PTH119


def _let_go(lock: FileLock, drafts: Path) -> None:
    with suppress(OSError):  # an interrupt between two moves: the rest follows
        _finish(drafts, drafts.parent)
    with suppress(OSError):  # Windows keeps an open file: the next claim uses it
        drafts.with_name(f"{drafts.name}.lock").unlink()
    lock.release()


def _short(name: str) -> str:
    """Return a name that the hidden files can carry, one for each ``name``."""
    if len(os.fsencode(name)) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return f"{shortened_bytes(name, _NAME_BYTES)}-{digest}"
