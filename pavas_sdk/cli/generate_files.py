"""Which files ``pavas generate`` writes, and how none is ever left half-written."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import ConfigurationError, OutputError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pavas_sdk.cli.generate_inputs import SoundInput

__all__ = ["Outputs", "SoundFiles", "plan_outputs", "writing"]

_CONTAINERS = (".mp4", ".mov", ".mkv", ".webm")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFiles:
    """Files of one sound.

    Attributes:
        audio: WAV.
        sidecar: Provenance.
        video: The pictures with the sound, or None.
    """

    audio: Path
    sidecar: Path
    video: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Files of one video, picture or text.

    Attributes:
        source: What the sounds are for.
        folder: Where results go.
        physics: Physics JSON, or None: a sound without a video has none to write.
        sounds: One entry per waveform.
        overwrite: Replace what exists.
    """

    source: SoundInput
    folder: Path
    physics: Path | None
    sounds: tuple[SoundFiles, ...]
    overwrite: bool

    def all(self) -> list[Path]:
        """Return all files, in the order in which they are listed."""
        files: list[Path] = []
        for sound in self.sounds:
            files += [sound.audio, *([sound.video] if sound.video else []), sound.sidecar]
        return [*files, *([self.physics] if self.physics else [])]

    def moved(self, folder: Path) -> Outputs:
        """Return the same files in another folder."""
        return Outputs(
            source=self.source,
            folder=folder,
            physics=None if self.physics is None else folder / self.physics.name,
            sounds=tuple(
                SoundFiles(
                    audio=folder / sound.audio.name,
                    sidecar=folder / sound.sidecar.name,
                    video=None if sound.video is None else folder / sound.video.name,
                )
                for sound in self.sounds
            ),
            overwrite=self.overwrite,
        )


def plan_outputs(
    inputs: Sequence[SoundInput],
    folder: Path,
    *,
    waveforms: int,
    mux: bool,
    overwrite: bool,
    physics_given: bool = False,
) -> tuple[list[Outputs], list[Outputs]]:
    """Return what is to be made, and what is there already, before any work is done.

    Args:
        inputs: What sounds are made for.
        folder: Where results go; made here.
        waveforms: Sounds per video.
        mux: Whether videos are written.
        overwrite: Replace existing results.
        physics_given: Whether pictures have physics, which is then written.

    Raises:
        OutputExistsError: A result of the only video exists, or of several videos some but not
            all of one's results.
        OutputError: The folder cannot be made or written.
        ConfigurationError: Two videos would have the same results, or one would be replaced.
        MediaError: The only video or picture cannot be read.
    """
    if len(inputs) == 1:  # of several, each is opened in its turn and may fail alone
        inputs[0].check_readable()
    _check_writable(folder)
    plans = [_plan(one, folder, waveforms, mux, overwrite, physics_given) for one in inputs]
    seen: dict[Path, SoundInput] = {}
    sources = [one.path for one in inputs if one.path is not None]
    for plan in plans:
        for path in plan.all():
            if path in seen:
                raise ConfigurationError(
                    f"{seen[path]} and {plan.source} would both become {path}; rename one, or run "
                    "them with different -o folders"
                )
            seen[path] = plan.source
            if path.exists() and any(path.samefile(source) for source in sources):
                raise ConfigurationError(
                    f"the result {path} would replace the source; choose another folder with -o"
                )
    if overwrite:
        return plans, []
    todo, kept = [], []
    for plan in plans:
        there = [path for path in plan.all() if path.exists()]
        if len(there) == len(plan.all()) and len(plans) > 1:
            kept.append(plan)
        elif there:
            raise OutputExistsError(
                f"{', '.join(str(path) for path in there)} exist"
                f"{'s' if len(there) == 1 else ''} and {'is' if len(there) == 1 else 'are'} kept; "
                "use --overwrite to replace, or another folder with -o"
            )
        else:
            todo.append(plan)
    return todo, kept


@contextmanager
def writing(outputs: Outputs) -> Iterator[Outputs]:
    """Yield the same files in a hidden folder beside; move them all at the end, or none.

    Raises:
        OutputError: The folder cannot be written or is full.
    """
    hidden: Path | None = None
    try:
        hidden = Path(tempfile.mkdtemp(prefix=".pavas-", dir=outputs.folder))
        drafts = outputs.moved(hidden)
        yield drafts
        for draft, final in zip(drafts.all(), outputs.all(), strict=True):
            draft.replace(final)
    except OutputError:
        raise
    except OSError as err:
        raise OutputError(
            f"cannot write to {outputs.folder}: {err.strerror or err}; free some space or choose "
            "another folder with -o"
        ) from err
    finally:
        if hidden is not None:
            shutil.rmtree(hidden, ignore_errors=True)


def _plan(
    source: SoundInput,
    folder: Path,
    waveforms: int,
    mux: bool,
    overwrite: bool,
    physics_given: bool,
) -> Outputs:
    stem = source.stem
    suffix = source.path.suffix.lower() if source.path else ""
    suffix = suffix if suffix in _CONTAINERS else ".mp4"
    names = [stem] if waveforms == 1 else [f"{stem}-{index}" for index in range(1, waveforms + 1)]
    of_video = source.kind == "video"
    return Outputs(
        source=source,
        folder=folder,
        physics=folder / f"{stem}.physics.json" if of_video or physics_given else None,
        sounds=tuple(
            SoundFiles(
                audio=folder / f"{name}.wav",
                sidecar=folder / f"{name}.pavas.json",
                video=folder / f"{name}{suffix}" if mux and of_video else None,
            )
            for name in names
        ),
        overwrite=overwrite,
    )


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as err:
        raise OutputError(
            f"cannot write to {folder}: {err.strerror or err}; choose a writable folder with -o"
        ) from err
