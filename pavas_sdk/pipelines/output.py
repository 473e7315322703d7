"""What a call of the pipeline returns, and how it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import Audio, PhysicsEstimate
from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import make_folder, write_text
from pavas_sdk.errors import ConfigurationError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PavasOutput", "read_sidecar", "sidecar_path"]

SIDECAR_FORMAT = "pavas.provenance"
SIDECAR_VERSION = 1


def sidecar_path(path: str | Path) -> Path:
    """Return where the provenance of a sound file lies: ``out.wav`` -> ``out.pavas.json``."""
    return Path(path).with_suffix(".pavas.json")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PavasOutput:
    """Sounds with the physics they were made from and where they come from.

    One video and one waveform: every field holds one value. Several (a list of videos, or
    ``num_waveforms_per_video`` above 1): every field holds a list, one entry per sound, the
    waveforms of the first video first; iterate or index to get one `PavasOutput` per sound.

    Attributes:
        audio: `Audio`; with another ``output_type`` a tensor: "pt" (channels, samples), "mel"
            (bands, frames), "latent" (N, C), normalised as the flow sees it.
        physics: The `PhysicsEstimate` that the sound was conditioned on.
        provenance: Plain JSON, a dictionary: model, versions, seed, settings, physics' provenance, gain, edits.
        video_path: The video's file, or None when frames were given.
        video_start_s: Where in that file the sound begins.
    """

    audio: Any
    physics: Any
    provenance: Any
    video_path: Any = None
    video_start_s: Any = 0.0

    @classmethod
    def collect(cls, outputs: list[PavasOutput]) -> PavasOutput:
        """Return several single outputs as one (a single one as it is)."""
        if len(outputs) == 1:
            return outputs[0]
        return cls(
            audio=[one.audio for one in outputs],
            physics=[one.physics for one in outputs],
            provenance=[one.provenance for one in outputs],
            video_path=[one.video_path for one in outputs],
            video_start_s=[one.video_start_s for one in outputs],
        )

    def __len__(self) -> int:
        return len(self.audio) if isinstance(self.audio, list) else 1

    def __iter__(self) -> Iterator[PavasOutput]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> PavasOutput:
        """Return one sound.

        Raises:
            IndexError: There are not so many.
        """
        if not isinstance(self.audio, list):
            if index not in (0, -1):
                raise IndexError(f"this output holds 1 sound, index {index} is out of range")
            return self
        return PavasOutput(
            audio=self.audio[index],
            physics=self.physics[index],
            provenance=self.provenance[index],
            video_path=self.video_path[index],
            video_start_s=self.video_start_s[index],
        )

    def normalized(self, peak_dbfs: float) -> PavasOutput:
        """Return a copy whose sound has its peak at ``peak_dbfs``; the gain is recorded.

        Silence stays silence.

        Raises:
            ConfigurationError: Several sounds, or no `Audio`.
        """
        audio, _, _ = self._single()
        if audio.peak_dbfs == float("-inf"):
            return self
        return replace(self, audio=audio.with_gain(peak_dbfs - audio.peak_dbfs))

    def save(
        self, path: str | Path, *, overwrite: bool = False, subtype: str = "pcm_16"
    ) -> tuple[Path, Path]:
        """Write the sound, and its provenance beside it.

        Args:
            path: ``*.wav`` or ``*.flac``; missing folders are made.
            overwrite: Replace existing files.
            subtype: "pcm_16", "pcm_24" or "float32" (WAV).

        Returns:
            The sound file and the sidecar (``out.pavas.json``).

        Raises:
            OutputExistsError: One of them exists.
            OutputError: The folder cannot be written.
            ConfigurationError: Several sounds, or no `Audio` (another ``output_type``).
        """
        from pavas_sdk.media import write_audio

        audio, _, provenance = self._single()
        path = Path(path).expanduser()
        sidecar = sidecar_path(path)
        if sidecar.exists() and not overwrite:
            raise OutputExistsError(f"{sidecar} exists; pass overwrite=True to replace it")
        text = sidecar_text({**provenance, "gain_db": audio.gain_db})
        make_folder(path.parent)
        write_audio(path, audio, subtype=subtype, overwrite=overwrite)  # type: ignore[arg-type]
        write_text(sidecar, text, overwrite=overwrite)
        return path, sidecar

    def mux(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the video with this sound: the pictures are copied, not encoded again.

        Args:
            path: ``*.mp4``, ``*.mov``, ``*.mkv`` or ``*.webm``, fit for the source's video codec.
            overwrite: Replace an existing file.

        Raises:
            ConfigurationError: Several sounds, no `Audio`, or the video was not a file.
            MediaError: The container cannot hold the pictures.
            OutputExistsError: The file exists.
            OutputError: The folder cannot be written.
        """
        from pavas_sdk.media import mux

        audio, _, _ = self._single()
        if not isinstance(self.video_path, str):
            raise ConfigurationError(
                "the video was given as frames, so there are no pictures to copy; write it with "
                "pavas_sdk.media.write_video(path, video, audio=out.audio)"
            )
        path = Path(path).expanduser()
        make_folder(path.parent)
        mux(self.video_path, audio, path, offset_s=self.video_start_s, overwrite=overwrite)
        return path

    def save_physics(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the physics as JSON, to read, edit and give back as ``physics=``.

        Raises:
            OutputExistsError: The file exists.
            OutputError: The folder cannot be written.
            ConfigurationError: Several sounds.
        """
        if isinstance(self.physics, list):
            raise self._several()
        path = Path(path).expanduser()
        write_text(path, self.physics.dumps(), overwrite=overwrite)
        return path

    def _single(self) -> tuple[Audio, PhysicsEstimate, dict[str, Any]]:
        if isinstance(self.audio, list) or isinstance(self.physics, list):
            raise self._several()
        if not isinstance(self.audio, Audio) or not isinstance(self.provenance, dict):
            raise ConfigurationError(
                f"this output holds a {type(self.audio).__name__}, not an Audio; call the pipeline "
                'with output_type="audio" to write files'
            )
        return self.audio, self.physics, self.provenance

    def _several(self) -> ConfigurationError:
        return ConfigurationError(
            f"this output holds {len(self)} sounds; write them one by one: "
            "for index, one in enumerate(out): one.save(f'out-{index}.wav')"
        )


def sidecar_text(provenance: Mapping[str, Any]) -> str:
    """Return a sidecar's JSON text."""
    document = {"format": SIDECAR_FORMAT, "format_version": SIDECAR_VERSION, **provenance}
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def read_sidecar(path: str | Path) -> dict[str, Any]:
    """Read a sidecar that `PavasOutput.save` wrote.

    Raises:
        FormatError: Not readable, another format, or newer than this version reads.
    """
    return read_document(
        path, format_name=SIDECAR_FORMAT, newest=SIDECAR_VERSION, what="provenance of a sound"
    )
