"""Runs a measurement over many clips: resumable, with progress, in one or several processes."""

from __future__ import annotations

import json
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pavas_sdk.data.documents import check_format, parse_json
from pavas_sdk.errors import ConfigurationError, FormatError, InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["FORMAT", "Row", "run"]

FORMAT = "pavas.evaluation"
FORMAT_VERSION = 1
_DIGEST = re.compile("[0-9a-f]{64}")


class Row(Protocol):
    """What is kept of one clip."""

    @property
    def clip_id(self) -> int | str:
        """Which clip."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""


C = TypeVar("C", bound=int | str)
R = TypeVar("R", bound=Row)


def run(
    clip_ids: Sequence[C],
    factory: Callable[[], Callable[[C], R]],
    read: Callable[[Mapping[str, Any]], R],
    *,
    settings: Mapping[str, Any],
    path: Path | None = None,
    anew: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[R]:
    """Measure every clip and return the rows in the order of ``clip_ids``.

    With ``path``, every finished clip is appended there at once (JSON lines after a header), and
    clips already there are not measured again.

    Args:
        clip_ids: Which clips, without repeats.
        factory: Makes the function that measures one clip; called once per process (that is where
            a model is loaded). With ``jobs`` above 1 it must be picklable.
        read: Reads a row from JSON.
        settings: JSON values that determine the result; a file made with others is refused
            (but see ``anew``).
        path: Results file.
        anew: Whether a file of other settings is replaced, not refused.
        jobs: Processes.
        progress: Called with (done, all) after each clip.

    Raises:
        ConfigurationError: ``path`` holds the results of other settings, or ``jobs`` is below 1.
        FormatError: ``path`` is no results file.
        OutputError: ``path`` cannot be written.
        InputError: Repeated ids.
    """
    if len(set(clip_ids)) != len(clip_ids):
        raise InputError("clip ids must not repeat")
    if jobs < 1:
        raise ConfigurationError(f"jobs must be 1 or more, got {jobs}")
    wanted: set[int | str] = set(clip_ids)
    rows = {} if path is None else _finished(path, settings, read, anew)
    rows = {clip_id: row for clip_id, row in rows.items() if clip_id in wanted}
    todo = [clip_id for clip_id in clip_ids if clip_id not in rows]
    tell = progress or _silent
    tell(len(rows), len(clip_ids))
    with _appending(path, settings) as keep:
        for row in _measured(todo, factory, jobs):
            keep(row.to_json())
            rows[row.clip_id] = row
            tell(len(rows), len(clip_ids))
    return [rows[clip_id] for clip_id in clip_ids]


def _silent(done: int, total: int) -> None:
    del done, total


def _measured(
    clip_ids: Sequence[C], factory: Callable[[], Callable[[C], R]], jobs: int
) -> Iterator[R]:
    if not clip_ids:
        return
    if jobs == 1:
        measure = factory()
        for clip_id in clip_ids:
            yield measure(clip_id)
        return
    # fork would copy the locks of torch's threads
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        max_workers=jobs, mp_context=context, initializer=_begin, initargs=(factory,)
    )
    try:
        for future in as_completed([pool.submit(_one, clip_id) for clip_id in clip_ids]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Process:
    """The measuring function of a worker process."""

    measure: Callable[[Any], Any]


def _begin(factory: Callable[[], Callable[[Any], Any]]) -> None:
    _Process.measure = staticmethod(factory())


def _one(clip_id: int | str) -> Any:
    return _Process.measure(clip_id)


def _finished(
    path: Path, settings: Mapping[str, Any], read: Callable[[Mapping[str, Any]], R], anew: bool
) -> dict[int | str, R]:
    if not path.exists() or path.stat().st_size == 0:
        return {}
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        header = parse_json(first)
        check_format(header, format_name=FORMAT, newest=FORMAT_VERSION, what="results file")
        # the last may be half a line
        rows = [parse_json(line) for line in lines if line.endswith("\n")]
    except (OSError, UnicodeDecodeError, FormatError) as err:
        raise FormatError(
            f"{path} is no results file that can be continued: {err}; choose another --out or "
            "remove it"
        ) from err
    theirs, ours = header.get("settings"), json.loads(json.dumps(dict(settings)))
    if theirs != ours and anew:
        path.unlink()
        return {}
    if theirs != ours:
        theirs = theirs if isinstance(theirs, dict) else {}
        names = sorted(k for k in {*theirs, *ours} if theirs.get(k) != ours.get(k))
        differ = ", ".join(
            f"{k}: {_short(theirs.get(k))} there, {_short(ours.get(k))} here" for k in names
        )
        raise ConfigurationError(
            f"{path} holds results of other settings ({differ}); choose another --out or remove it"
        )
    found = [read(row) for row in rows]
    return {row.clip_id: row for row in found}


def _short(value: object) -> str:
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return f"digest {value[:12]}"
    return repr(value)


@contextmanager
def _appending(
    path: Path | None, settings: Mapping[str, Any]
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    if path is None:
        yield lambda _: None
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_half_line(path)
        with path.open("a", encoding="utf-8") as file:

            def keep(row: Mapping[str, Any]) -> None:
                file.write(json.dumps(row, allow_nan=False) + "\n")
                file.flush()

            if path.stat().st_size == 0:
                keep(
                    {
                        "format": FORMAT,
                        "format_version": FORMAT_VERSION,
                        "settings": dict(settings),
                    }
                )
            yield keep
    except OSError as err:
        raise OutputError(f"cannot write {path}: {err.strerror or err}") from err


def _drop_half_line(path: Path) -> None:
    """Remove what an interrupted run wrote after the last whole line."""
    if not path.exists():
        return
    text = path.read_bytes()
    if not text.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(text.rfind(b"\n") + 1)
