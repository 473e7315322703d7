"""One visitor's work: a clip, its physics as edited, and the versions of its sound."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import InputError, MediaError
from pavas_sdk.media import open_video, read_audio, write_audio
from pavas_sdk.report.editor import editor_state
from pavas_sdk.report.page import write_preview
from pavas_sdk.ui.edits import EditedPhysics
from pavas_sdk.ui.versions import SoundSettings, Version, write_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.data import Audio, MaskTrack
    from pavas_sdk.media import VideoFile
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["RECORDED", "Bench"]

RECORDED = "recorded"
"""Name of the clip's own sound beside the versions."""
_QUIETEST_DBFS = -60.0  # a track below this is as good as silent
_MOST_VERSIONS = 20


@dataclass(slots=True, eq=False)
class Bench:
    """A clip on the bench. Close it to remove its files.

    Attributes:
        folder: Where its files are; removed by `close`.
        source: The clip.
        edited: Its physics.
        masks: By object id.
        preview: The pictures as a browser plays them.
        recorded: The clip's own sound, when there is any to hear.
        versions: The sounds made so far, oldest first.
        notes: What the estimator wants to be known.
    """

    folder: Path
    source: VideoFile
    edited: EditedPhysics
    masks: Mapping[int, MaskTrack]
    preview: Path
    recorded: Audio | None
    notes: tuple[str, ...] = ()
    versions: list[Version] = field(default_factory=list)
    _made: int = 0

    @classmethod
    def open(
        cls,
        video: str | Path,
        pipe: PavasPipeline,
        root: Path,
        *,
        prompt: str = "",
        time_scale: float = 1.0,
    ) -> Bench:
        """Open a video and estimate its physics.

        Args:
            video: The file; it is copied, so that it may go away.
            pipe: Whose estimator is used.
            root: Folder for the bench's own folder.
            prompt: What is seen.
            time_scale: Slow-motion factor.

        Raises:
            MediaError: The video cannot be read.
            ComponentError: A slot of the estimator failed.
        """
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=root))
        try:
            copy = folder / Path(video).name
            shutil.copyfile(video, copy)
            source = open_video(copy, time_scale=time_scale)
            physics, masks, notes = pipe.physics_and_masks(source, prompt=prompt)
            preview = write_preview(folder / "preview.mp4", source)
        except (
            BaseException
        ):  # Ctrl+C, too: no copy of a video stays behind; it goes on to the caller
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(
            folder=folder,
            source=source,
            edited=EditedPhysics.of(physics),
            masks=masks,
            preview=preview,
            recorded=_recorded(source, folder),
            notes=(*physics.notes, *notes),
        )

    def edit(self, edit: Mapping[str, Any]) -> None:
        """Apply what the editor told; see `EditedPhysics.edited`."""
        self.edited = self.edited.edited(edit)

    def generate(
        self,
        pipe: PavasPipeline,
        settings: SoundSettings,
        *,
        model: str,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Version:
        """Make a sound of the physics as it is now.

        Args:
            pipe: The model.
            settings: How.
            model: Its name.
            on_step: Told the steps that are done, and of how many.

        Raises:
            InputError: A setting that cannot work.
            OutputError: The files cannot be written.
        """
        from pavas_sdk.pipelines.stems import pipeline_stems

        physics = self.edited.now
        masks = {
            entry.object_id: self.masks[entry.object_id]
            for entry in physics
            if entry.object_id in self.masks
        }
        sounds = 1 + (len(physics) if settings.stems and len(physics) > 1 else 0)
        done = 0

        def told(pipe: PavasPipeline, step: int, time: Any, tensors: Any) -> dict[str, Any]:
            nonlocal done
            del step, time, tensors
            done += 1
            if on_step is not None:
                on_step(done, sounds * int(pipe.num_timesteps))
            return {}

        call: dict[str, Any] = {
            "video": self.source,
            "prompt": settings.prompt,
            "negative_prompt": settings.negative_prompt,
            "num_inference_steps": settings.num_inference_steps,
            "callback_on_step_end": told,
        }
        if settings.guidance_scale is not None:
            call["guidance_scale"] = settings.guidance_scale
        out = pipe(
            **call,
            physics=physics if physics.objects else "none",
            masks=masks or None,
            seed=settings.seed,
        )
        if pipe.interrupt:
            raise InputError("stopped: no sound was made")
        stems: Mapping[int, Audio] = {}
        if settings.stems:
            stems = pipeline_stems(
                pipe, out.audio, out.physics, seed=settings.seed, masks=masks, **call
            )
        self._made += 1
        version = Version(
            number=self._made,
            label=self.edited.label,
            model=model,
            settings=settings,
            edited=self.edited,
            audio=out.audio,
            files=write_version(
                out,
                self.folder / f"version-{self._made:03d}",
                f"{self._stem}-{self._made}",
                stems,
            ),
        )
        self.versions.append(version)
        for old in self.versions[:-_MOST_VERSIONS]:
            shutil.rmtree(old.files[0].parent, ignore_errors=True)
        del self.versions[:-_MOST_VERSIONS]
        return version

    def go_back(self, name: str) -> None:
        """Take the physics of a version, to go on from there; it can be undone."""
        version = self.version(name)
        if version is not None and version.edited.now is not self.edited.now:
            self.edited = self.edited.taken(version.edited)

    def version(self, name: str) -> Version | None:
        """Return the version that is listed under a name."""
        return next((version for version in self.versions if version.name == name), None)

    def _maybe(self, name: str | None) -> Version | None:
        return None if name is None else self.version(name)

    def sound_names(self) -> list[str]:
        """Return what can be compared: versions, newest first, and the clip's own sound."""
        own = [] if self.recorded is None else [RECORDED]
        return [*(version.name for version in reversed(self.versions)), *own]

    def state(self, names: tuple[str | None, ...]) -> dict[str, Any]:
        """Return what the editor shows.

        Every version has a gain of its own that makes it audible. Side by side that would hide what
        an edit did to the level, so all versions are shown and played on the smallest of their gains
        (``volumes``: factors of at most 1); the files keep their own.

        Args:
            names: Of the sounds to show, one below the other; what is not there is left out.
        """
        sounds: dict[str, Audio] = {}
        addresses: dict[str, str] = {}
        volumes: dict[str, float] = {}
        found = [version for version in map(self._maybe, names) if version is not None]
        gain_db = min((version.audio.gain_db for version in found), default=0.0)
        for name in dict.fromkeys(names):
            version = self._maybe(name)
            if version is not None:
                change_db = gain_db - version.audio.gain_db
                sounds[version.name] = version.audio.with_gain(change_db)
                volumes[version.name] = 10 ** (change_db / 20)
                addresses[version.name] = str(version.sound_file)
            elif name == RECORDED and self.recorded is not None:
                sounds[RECORDED] = self.recorded
                addresses[RECORDED] = str(self.folder / "recorded.wav")
        shown = editor_state(
            self.edited.now,
            self.masks,
            sounds,
            seen=self.edited.seen,
            speed_factors=self.edited.speed_factors,
        )
        aspect = f"{self.source.width / self.source.height:.5f}"
        return {
            **shown,
            "video": str(self.preview),
            "aspect": aspect,
            "sounds": addresses,
            "volumes": volumes,
        }

    @property
    def _stem(self) -> str:
        return Path(self.source.source or "clip").stem

    def physics_file(self) -> Path:
        """Write the physics as it is now, and return the file."""
        path = self.folder / f"{self._stem}.physics.json"
        self.edited.now.save(path)
        return path

    def close(self) -> None:
        """Remove all files and let the video go."""
        with suppress(OSError):
            self.source.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _recorded(source: VideoFile, folder: Path) -> Audio | None:
    """The clip's own sound as a file beside it, when there is any to hear."""
    if not source.has_audio:
        return None
    try:
        audio = read_audio(source.source)
    except MediaError:  # broken or of an unknown codec: the pictures are what counts
        return None
    if audio.peak_dbfs <= _QUIETEST_DBFS:
        return None
    write_audio(folder / "recorded.wav", audio)
    return audio
