"""What is to be made, what is there already and what is in the way: known before any work is done."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypedDict

from pavas_sdk.data.claims import file_sha256, recover
from pavas_sdk.data.temporary_names import clear_abandoned
from pavas_sdk.errors import (
    ConfigurationError,
    FormatError,
    OutputError,
    OutputExistsError,
    PavasError,
)
from pavas_sdk.pipelines.output import read_sidecar
from pavas_sdk.pipelines.result_files import ResultFiles, SoundInput, result_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from typing_extensions import Unpack

    from pavas_sdk.data.impact_markers import MarkerForm
    from pavas_sdk.media.audio_files import Subtype

__all__ = ["ResultPlan", "exists_error", "plan_results", "state_of"]


class Writing(TypedDict, total=False):
    """How results are written; see `result_files`."""

    markers: Sequence[MarkerForm]
    subtype: Subtype
    sample_rate_hz: int | None
    stems: bool
    mix_db: float | None


@dataclass(slots=True, kw_only=True)
class ResultPlan:
    """What a run over several inputs will do.

    Attributes:
        todo: To be made, in order; those of a torn set replace what is left of it.
        kept: There already, with what should be known of each.
        refused: Cannot be made, and why; the others can.
        recovered: Names of files that a process which was killed had ready.
    """

    todo: list[ResultFiles] = field(default_factory=list)
    kept: list[tuple[ResultFiles, str]] = field(default_factory=list)
    refused: list[tuple[SoundInput, PavasError]] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)


def plan_results(
    inputs: Sequence[SoundInput],
    folder: Path,
    *,
    waveforms: int = 1,
    mux: bool = True,
    suffix: str | None = None,
    overwrite: bool = False,
    physics_given: bool = False,
    **writing: Unpack[Writing],
) -> ResultPlan:
    """Plan the files of every input: names, containers, what is there and whether it is whole.

    What processes that were killed had whole is moved to its place first, and the rest of theirs is removed.

    Args:
        inputs: What sounds are made for.
        folder: Where results go; made here.
        waveforms: Sounds per input.
        mux: Whether videos are written.
        suffix: Container of the videos (".mkv"); by default what holds the pictures.
        overwrite: Replace existing results.
        physics_given: Whether pictures have physics, which is then written.
        **writing: ``markers``, ``subtype``, ``sample_rate_hz``, ``stems`` and ``mix_db`` of `result_files`.

    Raises:
        OutputExistsError: A result of the only input exists.
        OutputError: The folder cannot be made or written, or something that is no file stands where
            a result of the only input goes.
        ConfigurationError: Two inputs would have the same results, or one would be replaced; or
            the only video does not fit the container.
        MediaError: The only video or picture cannot be read.
    """
    alone = len(inputs) == 1
    if alone:  # of several, each is opened in its turn and may fail alone
        inputs[0].check_readable()
    _check_writable(folder)
    plan = ResultPlan(recovered=recover(folder))
    clear_abandoned(folder)
    planned: list[ResultFiles] = []
    for source in inputs:
        try:
            planned.append(_named(source, folder, waveforms, mux, suffix, physics_given, writing))
        except PavasError as err:
            if alone:
                raise
            plan.refused.append((source, err))
    _check_apart(planned, [one.path for one in inputs if one.path is not None])
    for files in planned:
        blocked = _blocked_error(files)
        if blocked is not None:
            if alone:
                raise blocked
            plan.refused.append((files.source, blocked))
            continue
        state, why = ("absent", "") if overwrite else state_of(files)
        if state == "whole" and not alone:
            plan.kept.append((files, why))
        elif state in ("whole", "foreign"):
            error = exists_error(files)
            if alone:
                raise error
            plan.refused.append((files.source, error))
        else:
            plan.todo.append(replace(files, overwrite=overwrite or state == "torn"))
    return plan


def _named(
    source: SoundInput,
    folder: Path,
    waveforms: int,
    mux: bool,
    suffix: str | None,
    physics_given: bool,
    writing: Writing,
) -> ResultFiles:
    from pavas_sdk.media import choose_container

    of_video = source.kind == "video"
    container = None
    if of_video and mux:
        assert source.path is not None
        container = choose_container(source.path, suffix)
    return result_files(
        source,
        folder,
        waveforms=waveforms,
        container=container,
        physics=of_video or physics_given,
        **writing,
    )


def _check_apart(planned: Sequence[ResultFiles], sources: Sequence[Path]) -> None:
    seen: dict[Path, SoundInput] = {}
    for files in planned:
        for path in files.all():
            if path in seen:
                raise ConfigurationError(
                    f"{seen[path]} and {files.source} would both become {path}; rename one, or run "
                    "them with different -o folders"
                )
            seen[path] = files.source
            if path.exists() and any(_same(path, source) for source in sources):
                raise ConfigurationError(
                    f"the result {path} would replace the source; choose another folder with -o"
                )


def _same(path: Path, source: Path) -> bool:
    try:
        return path.samefile(source)
    except OSError:  # no such source: it fails in its turn
        return False


def state_of(files: ResultFiles) -> tuple[Literal["absent", "torn", "whole", "foreign"], str]:
    """Return what there is of a set, and what should be known of it.

    A sidecar is written last and holds the hashes of the other files. Files that agree with one
    were written by us, so what is missing beside them may be made again.
    """
    there = [path for path in files.all() if path.exists()]
    if not there:
        return "absent", ""
    known: dict[str, str] = {}
    for sound in files.sounds:
        hashes = _hashes(sound.sidecar)
        if hashes is None:  # of a version that wrote none
            return ("whole", "") if len(there) == len(files.all()) else ("foreign", "")
        known |= hashes
    sidecars = {sound.sidecar for sound in files.sounds}
    expected = [path for path in files.all() if path.name in known or path in sidecars]
    changed = [path for path in there if path not in sidecars and not _agrees(path, known)]
    if all(path.exists() for path in expected) and len(sidecars & set(there)) == len(sidecars):
        if all(path == files.physics for path in changed):  # physics may be edited
            return "whole", _remark(files, changed)
        return "foreign", ""
    return ("foreign", "") if changed else ("torn", "")


def _hashes(sidecar: Path) -> dict[str, str] | None:
    """Return what a sidecar says of the files beside it; None when it is of an earlier version."""
    try:
        hashes = read_sidecar(sidecar).get("files") if sidecar.exists() else {}
    except FormatError:
        return {}
    if hashes is None:
        return None
    if not isinstance(hashes, dict):
        return {}
    return {str(name): str(digest) for name, digest in hashes.items()}


def _agrees(path: Path, known: dict[str, str]) -> bool:
    try:
        return known.get(path.name) == file_sha256(path)
    except OSError:
        return False


def _remark(files: ResultFiles, changed: Sequence[Path]) -> str:
    said = [f"{path.name} was edited since" for path in changed]
    missing = [path.name for path in files.all() if not path.exists()]
    if missing:
        said.append(f"{', '.join(missing)} was not written then")
    return "; ".join(said)


def exists_error(files: ResultFiles) -> OutputExistsError:
    """Return the error that says which results of a set are there and are kept."""
    there = [path for path in files.all() if path.exists()]
    there += files.old_stems() if files.stems else []
    one = len(there) == 1
    return OutputExistsError(
        f"{', '.join(str(path) for path in there)} exist{'s' if one else ''} and "
        f"{'is' if one else 'are'} kept; use --overwrite to replace, or another folder with -o"
    )


def _blocked_error(files: ResultFiles) -> OutputError | None:
    """Return the error that something stands where a result goes and cannot be replaced by it."""
    for path in files.all():
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            return OutputError(
                f"{path} is {what}, and a result goes there; move it away, or choose another folder "
                "with -o"
            )
    return None


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise OutputError(
            f"cannot write to {folder}: {err.strerror or err}; choose a writable folder with -o"
        ) from err
