"""Writing the files of an input: the sound is never lost because something else fails."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.data.claims import claimed
from pavas_sdk.data.files import write_text
from pavas_sdk.data.impact_markers import marker_text
from pavas_sdk.errors import OutputError, PavasError
from pavas_sdk.media import resampled, write_audio
from pavas_sdk.pipelines.result_plan import exists_error, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data.claims import Claim
    from pavas_sdk.pipelines.output import PavasOutput
    from pavas_sdk.pipelines.result_files import ResultFiles, SoundFiles

__all__ = ["ResultWriter", "WrittenResults", "claim_results"]


_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenResults:
    """What was written.

    Attributes:
        files: In the order in which they are listed.
        not_written: Names of files that could not be written, and why.
    """

    files: tuple[Path, ...]
    not_written: Mapping[str, str]


class ResultWriter:
    """Writes the files of one input, which no other process makes meanwhile; see `claim_results`."""

    def __init__(self, files: ResultFiles, claim: Claim) -> None:
        self._files = files
        self._claim = claim

    def write(self, sounds: Sequence[PavasOutput]) -> WrittenResults:
        """Write everything: all files appear at once, the sidecars last, with the hashes of the others.

        A video that cannot be written is left out, and said; sound, physics and sidecar are kept.

        Args:
            sounds: One per waveform.

        Raises:
            OutputExistsError: A file appeared meanwhile.
            OutputError: The folder cannot be written.
        """
        files = self._files
        not_written: dict[str, str] = {}
        shared: list[Path] = []
        if files.physics is not None:
            shared.append(sounds[0].save_physics(self._draft(files.physics)))
        shared += self._markers(sounds[0])
        made = []
        for sound, places in zip(sounds, files.sounds, strict=True):
            audio = self._draft(places.audio)
            self._audio(audio, sound)
            video = self._video(sound, places, not_written)
            made.append([audio] if video is None else [audio, video])
        self._claim.free_room()
        try:
            seals = self._sidecars(sounds, made, shared, not_written)
        except OutputError as err:  # the disk is full: without the videos there is room
            if not self._left_out(made, err, not_written):
                raise
            seals = self._sidecars(sounds, made, shared, not_written)
        names = [path.name for parts in made for path in parts] + [path.name for path in shared]
        self._claim.publish(names, seals, overwrite=files.overwrite)
        written = tuple(path for path in files.all() if path.name not in not_written)
        return WrittenResults(files=written, not_written=not_written)

    def _sidecars(
        self,
        sounds: Sequence[PavasOutput],
        made: Sequence[Sequence[Path]],
        shared: Sequence[Path],
        not_written: Mapping[str, str],
    ) -> list[str]:
        """Write a sidecar per sound, with the hashes of its files; return their names."""
        seals = []
        for sound, places, parts in zip(sounds, self._files.sounds, made, strict=True):
            missing = {
                p.name: not_written[p.name] for p in _videos(places) if p.name in not_written
            }
            text = sound.sidecar([*parts, *shared], not_written=missing)
            draft = self._draft(places.sidecar)
            draft.unlink(missing_ok=True)
            write_text(draft, text)
            seals.append(places.sidecar.name)
        return seals

    def _left_out(
        self, made: Sequence[list[Path]], err: OutputError, not_written: dict[str, str]
    ) -> bool:
        """Remove the videos of ``made``, of which ``err`` is the reason; False where there are none."""
        videos = [parts.pop() for parts in made if len(parts) > 1]
        for video in videos:
            video.unlink()
            not_written[video.name] = str(err).replace(
                str(self._claim.drafts), str(self._files.folder)
            )
        return bool(videos)

    def _audio(self, draft: Path, sound: PavasOutput) -> None:
        """Write the sound with its time stamp: where in the video's file it begins."""
        files = self._files
        rate_hz = files.sample_rate_hz or sound.audio.sample_rate_hz
        write_audio(
            draft,
            resampled(sound.audio, rate_hz),
            subtype=files.subtype,
            starts_at_s=sound.video_start_s if sound.video_start_s < _DAY_S else None,
        )

    def _markers(self, sound: PavasOutput) -> list[Path]:
        files, drafts = self._files, []
        for form, path in files.markers.items():
            drafts.append(self._draft(path))
            rate_hz = sound.provenance.get("frame_rate_hz") or 25.0
            text = marker_text(sound.physics, form, title=files.stem, frame_rate_hz=rate_hz)
            write_text(drafts[-1], text)
        return drafts

    def _draft(self, path: Path) -> Path:
        return self._claim.drafts / path.name

    def _video(
        self, sound: PavasOutput, places: SoundFiles, not_written: dict[str, str]
    ) -> Path | None:
        if places.video is None or self._files.container is None:
            return None
        draft = self._draft(places.video)
        try:
            return sound.mux(draft, encode=self._files.container.encode, fps=self._files.source.fps)
        # whatever it is, the sound was made and is kept; the reason is said and recorded
        except Exception as err:  # noqa: BLE001
            text = str(err).replace(str(draft), str(places.video))
            named = text if isinstance(err, PavasError) else f"{type(err).__name__}: {text}"
            not_written[places.video.name] = named
            return None


@contextmanager
def claim_results(files: ResultFiles) -> Iterator[ResultWriter]:
    """Be the only process that makes these files, from before the work until they are written.

    Raises:
        ClaimedError: Another process makes them just now.
        OutputExistsError: They appeared since they were planned.
        OutputError: The folder cannot be written.
    """
    with claimed(files.folder, files.stem) as claim:
        if not files.overwrite and state_of(files)[0] != "absent":
            raise exists_error(files)
        yield ResultWriter(files, claim)


def _videos(places: SoundFiles) -> list[Path]:
    return [] if places.video is None else [places.video]
