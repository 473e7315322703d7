"""Writing the files of an input: the sound is never lost because something else fails."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pavas_sdk.data.claims import claimed
from pavas_sdk.data.files import write_text
from pavas_sdk.data.hand_edits import kept_aside
from pavas_sdk.data.impact_markers import marker_text
from pavas_sdk.errors import OutputError, PavasError
from pavas_sdk.media import resampled, write_audio
from pavas_sdk.pipelines.existing_sound import has_sound, with_existing_sound
from pavas_sdk.pipelines.result_plan import exists_error, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data import Audio
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
        kept_aside: Copy of a physics file that was edited by hand and is replaced; None: none was.
    """

    files: tuple[Path, ...]
    not_written: Mapping[str, str]
    kept_aside: Path | None = None


class ResultWriter:
    """Writes the files of one input, which no other process makes meanwhile; see `claim_results`."""

    def __init__(self, files: ResultFiles, claim: Claim) -> None:
        self._files = files
        self._claim = claim

    def write(
        self, sounds: Sequence[PavasOutput], stems: Sequence[Mapping[int, Audio]] = ()
    ) -> WrittenResults:
        """Write everything: all files appear at once, the sidecars last, with the hashes of the others.

        A video that cannot be written is left out, and said; sound, physics and sidecar are kept.

        Args:
            sounds: One per waveform.
            stems: The sounds of the single objects by id, one set per waveform.

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
        made, all_stems, recorded = [], [], []
        for index, (sound, places) in enumerate(zip(sounds, files.sounds, strict=True)):
            parts = [self._draft(places.audio)]
            self._audio(parts[0], sound)
            if stems:
                paths, sound = self._stems(sound, places, stems[index])
                parts += [self._draft(path) for path in paths]
                all_stems += paths
            video, sound = self._video(sound, places, not_written)
            recorded.append(sound)
            made.append(parts if video is None else [*parts, video])
        self._claim.free_room()
        try:
            seals = self._sidecars(recorded, made, shared, not_written)
        except OutputError as err:  # the disk is full: without the videos there is room
            if not self._left_out(made, err, not_written):
                raise
            seals = self._sidecars(recorded, made, shared, not_written)
        names = [path.name for parts in made for path in parts] + [path.name for path in shared]
        aside = None
        if files.physics is not None and files.overwrite:
            aside = kept_aside(files.physics, sounds[0].physics)
        self._claim.publish(names, seals, overwrite=files.overwrite)
        for path in files.old_stems() if files.overwrite else ():
            if path not in all_stems:  # of an earlier run, which had other objects
                path.unlink(missing_ok=True)
        written = tuple(path for path in files.all() if path.name not in not_written)
        written += tuple(all_stems)
        return WrittenResults(files=written, not_written=not_written, kept_aside=aside)

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
        videos = [parts.pop() for parts in made if parts[-1].suffix != ".wav"]
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

    def _stems(
        self, sound: PavasOutput, places: SoundFiles, stems: Mapping[int, Audio]
    ) -> tuple[list[Path], PavasOutput]:
        """Write the sound of each object; return their files, and the sound that knows of them."""
        paths, facts = [], {}
        for object_id, audio in stems.items():
            label = sound.physics[object_id].object.label
            path = self._files.stem_file(places, object_id, label)
            self._audio(self._draft(path), replace(sound, audio=audio))
            paths.append(path)
            facts[path.name] = {"object_id": object_id, "label": label}
        return paths, replace(sound, provenance={**sound.provenance, "stems": facts})

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
    ) -> tuple[Path | None, PavasOutput]:
        """Write the video; return it, and the sound with what was mixed into it on record."""
        if places.video is None or self._files.container is None:
            return None, sound
        draft = self._draft(places.video)
        try:
            heard = sound
            if self._files.mix_db is not None and has_sound(str(self._files.source.path)):
                heard = with_existing_sound(sound, self._files.mix_db)
            encode = self._files.container.encode
            heard.mux(draft, encode=encode, fps=self._files.source.fps)
            return draft, replace(sound, provenance=heard.provenance)
        # whatever it is, the sound was made and is kept; the reason is said and recorded
        except Exception as err:  # noqa: BLE001
            text = str(err).replace(str(draft), str(places.video))
            named = text if isinstance(err, PavasError) else f"{type(err).__name__}: {text}"
            not_written[places.video.name] = named
            return None, sound


@contextmanager
def claim_results(files: ResultFiles) -> Iterator[ResultWriter]:
    """Be the only process that makes these files, from before the work until they are written.

    Raises:
        ClaimedError: Another process makes them just now.
        OutputExistsError: They appeared since they were planned.
        OutputError: The folder cannot be written.
    """
    with claimed(files.folder, files.stem) as claim:
        stems_there = files.stems and files.old_stems()
        if not files.overwrite and (stems_there or state_of(files)[0] != "absent"):
            raise exists_error(files)
        yield ResultWriter(files, claim)


def _videos(places: SoundFiles) -> list[Path]:
    return [] if places.video is None else [places.video]
