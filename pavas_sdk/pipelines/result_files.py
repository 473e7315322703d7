"""Which files a sound is written to: names that fit the file system, planned before any work."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pavas_sdk.data.impact_markers import MARKER_SUFFIXES
from pavas_sdk.data.temporary_names import shortened_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data.impact_markers import MarkerForm
    from pavas_sdk.media import ContainerChoice
    from pavas_sdk.media.audio_files import Subtype

__all__ = ["ResultFiles", "SoundFiles", "SoundInput", "result_files", "stem_path"]

_SLUG = 24  # letters of a label in the name of a stem
_STEM = len("-99.stem9999-.wav") + _SLUG


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundInput:
    """One thing to make sounds for.

    Attributes:
        kind: "video", "image" (a still) or "text".
        path: The file, or None for a text.
        stem: What the results are called.
        duration_s: Wanted length of the sound; None: the video's own.
        fps: Frames per second of a video whose own clock is wrong; None: its own clock.
    """

    kind: Literal["video", "image", "text"]
    path: Path | None
    stem: str
    duration_s: float | None
    fps: float | None = None

    def __str__(self) -> str:
        return "text alone" if self.path is None else str(self.path)

    def check_readable(self) -> None:
        """Open the file and close it again.

        Raises:
            MediaError: It cannot be read.
        """
        from pavas_sdk.media import open_picture, open_video

        if self.path is not None and self.duration_s is not None:
            open_picture(self.path, self.duration_s)
        elif self.path is not None:
            open_video(self.path, fps=self.fps).close()


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
class ResultFiles:
    """Files of one video, picture or text.

    Attributes:
        source: What the sounds are for.
        folder: Where results go.
        stem: What they are called; the source's own, shortened where the file system needs it.
        physics: Physics JSON, or None: a sound without a video has none to write.
        sounds: One entry per waveform.
        container: What the video is written as, or None: none is written.
        markers: Lists of the impacts by form; see `pavas_sdk.data.impact_markers`.
        subtype: Of the sound: "pcm_16", "pcm_24" or "float32".
        sample_rate_hz: Of the sound; None: the model's own.
        stems: Write a sound per object, too; they are called ``NAME.stem0-LABEL.wav``.
        mix_db: In the video, also keep the sound that is there, with this gain; None: leave it out.
        overwrite: Replace what exists.
        notes: What should be known of the names and the container, in plain words.
    """

    source: SoundInput
    folder: Path
    stem: str
    physics: Path | None
    sounds: tuple[SoundFiles, ...]
    container: ContainerChoice | None
    markers: Mapping[MarkerForm, Path] = field(default_factory=dict)
    subtype: Subtype = "pcm_16"
    sample_rate_hz: int | None = None
    stems: bool = False
    mix_db: float | None = None
    overwrite: bool = False
    notes: tuple[str, ...] = ()

    def all(self) -> list[Path]:
        """Return all files, in the order in which they are listed."""
        files: list[Path] = []
        for sound in self.sounds:
            files += [sound.audio, *([sound.video] if sound.video else []), sound.sidecar]
        return [*files, *([self.physics] if self.physics else []), *self.markers.values()]

    def stem_file(self, sound: SoundFiles, object_id: int, label: str) -> Path:
        """Return where the sound of one object goes."""
        return stem_path(sound.audio, object_id, label)

    def old_stems(self) -> list[Path]:
        """Return the files that are there and are named like stems of these sounds."""
        return [
            path
            for sound in self.sounds
            for path in sorted(self.folder.glob(f"{glob.escape(sound.audio.stem)}.stem[0-9]*.wav"))
        ]


def stem_path(audio: Path, object_id: int, label: str) -> Path:
    """Return where the sound of one object goes beside the whole: ``NAME.stem0-LABEL.wav``."""
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:_SLUG]
    return audio.with_name(f"{audio.stem}.stem{object_id}{f'-{slug}' if slug else ''}.wav")


def result_files(
    source: SoundInput,
    folder: Path,
    *,
    waveforms: int = 1,
    container: ContainerChoice | None = None,
    physics: bool = True,
    markers: Sequence[MarkerForm] = (),
    subtype: Subtype = "pcm_16",
    sample_rate_hz: int | None = None,
    stems: bool = False,
    mix_db: float | None = None,
) -> ResultFiles:
    """Name the files of one input: ``NAME.wav``, ``NAME.mp4``, ``NAME.pavas.json``, ``NAME.physics.json``.

    Args:
        source: What the sounds are for.
        folder: Where results go.
        waveforms: How many sounds; above 1 they are called NAME-1, NAME-2, ...
        container: What the video is written as; None: no video.
        physics: Whether there are physics to write.
        markers: Forms in which impacts are listed; none where there are no physics.
        subtype: See `ResultFiles`.
        sample_rate_hz: See `ResultFiles`.
        stems: See `ResultFiles`.
        mix_db: See `ResultFiles`.
    """
    tail = f"-{waveforms}.pavas.json" if waveforms > 1 else ".physics.json"
    stem = _fitting_stem(
        source.stem,
        max(len(tail), len(".physics.json"), _STEM if stems else 0),
        _name_bytes(folder),
    )
    notes = [] if stem == source.stem else [f"the name is too long here; results are called {stem}"]
    if container is not None and container.note:
        notes.append(container.note)
    names = [stem] if waveforms == 1 else [f"{stem}-{index}" for index in range(1, waveforms + 1)]
    return ResultFiles(
        source=source,
        folder=folder,
        stem=stem,
        physics=folder / f"{stem}.physics.json" if physics else None,
        sounds=tuple(
            SoundFiles(
                audio=folder / f"{name}.wav",
                sidecar=folder / f"{name}.pavas.json",
                video=None if container is None else folder / f"{name}{container.suffix}",
            )
            for name in names
        ),
        container=container,
        markers={form: folder / f"{stem}{MARKER_SUFFIXES[form]}" for form in markers if physics},
        subtype=subtype,
        sample_rate_hz=sample_rate_hz,
        stems=stems,
        mix_db=mix_db,
        notes=tuple(notes),
    )


def _fitting_stem(stem: str, tail: int, limit: int) -> str:
    """Return a name that leaves room for ``tail`` bytes: shortened ones keep apart by a digest."""
    if len(os.fsencode(stem)) + tail <= limit:
        return stem
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    return f"{shortened_bytes(stem, limit - tail - 9)}~{digest}"


def _name_bytes(folder: Path) -> int:
    """Return how many bytes a file name may have in a folder that exists."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or a file system that does not tell
        return 255
