"""What a call of the pipeline returns, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, cast, overload

from typing_extensions import TypeVar

from pavas_sdk.data import Audio
from pavas_sdk.data.claims import file_sha256
from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import make_folder, write_text
from pavas_sdk.errors import ConfigurationError, OutputExistsError

if TYPE_CHECKING:
    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.media.audio_files import Subtype

__all__ = ["PavasOutput", "PavasOutputs", "Provenance", "read_sidecar", "sidecar_path"]

SIDECAR_FORMAT = "pavas.provenance"
SIDECAR_VERSION = 1

Provenance: TypeAlias = dict[str, Any]
"""Plain JSON that says how a sound was made."""

SoundT = TypeVar("SoundT", default=Audio)
"""What ``audio`` holds: an `Audio`, or a tensor for another ``output_type``."""


def sidecar_path(path: str | Path) -> Path:
    """Return where the provenance of a sound file lies: ``out.wav`` -> ``out.pavas.json``."""
    return Path(path).with_suffix(".pavas.json")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PavasOutput(Generic[SoundT]):
    """One sound with the physics it was made from and where it comes from.

    Iterating over it gives itself, so that code for several sounds (`PavasOutputs`) takes one, too.

    Attributes:
        audio: `Audio`; with another ``output_type`` a tensor: "pt" (channels, samples), "mel"
            (bands, frames), "latent" (N, C), normalised as the flow sees it.
        physics: What the sound was conditioned on.
        provenance: Plain JSON, a dictionary: model, versions, seed, settings, physics' provenance, gain, edits.
        video_path: The video's file, or None when frames were given.
        video_start_s: Where in that file the sound begins.
    """

    audio: SoundT
    physics: PhysicsEstimate
    provenance: Provenance
    video_path: str | None = None
    video_start_s: float = 0.0

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[PavasOutput[SoundT]]:
        yield self

    def __getitem__(self, index: int) -> PavasOutput[SoundT]:
        """Return the sound, of index 0.

        Raises:
            IndexError: Another index.
        """
        if index not in (0, -1):
            raise IndexError(f"this output holds 1 sound, index {index} is out of range")
        return self

    def normalized(self, peak_dbfs: float) -> PavasOutput[SoundT]:
        """Return a copy whose sound has its peak at ``peak_dbfs``; the gain is recorded.

        Silence stays silence.

        Raises:
            ConfigurationError: The output holds no `Audio`.
        """
        audio = self._sound()
        if audio.peak_dbfs == float("-inf"):
            return self
        louder = audio.with_gain(peak_dbfs - audio.peak_dbfs)
        return replace(self, audio=cast("SoundT", louder))

    def save(
        self, path: str | Path, *, overwrite: bool = False, subtype: Subtype = "pcm_16"
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
            ConfigurationError: The output holds no `Audio` (another ``output_type``).
        """
        from pavas_sdk.media import write_audio

        audio = self._sound()
        path = Path(path).expanduser()
        sidecar = sidecar_path(path)
        if sidecar.exists() and not overwrite:
            raise OutputExistsError(f"{sidecar} exists; pass overwrite=True to replace it")
        make_folder(path.parent)
        write_audio(path, audio, subtype=subtype, overwrite=overwrite)
        write_text(sidecar, self.sidecar([path]), overwrite=overwrite)
        return path, sidecar

    def sidecar(
        self, files: Iterable[Path] = (), *, not_written: Mapping[str, str] | None = None
    ) -> str:
        """Return the text of this sound's sidecar.

        Args:
            files: What was written; their hashes are recorded by name, so that it can be told later
                whether they are still what was made together.
            not_written: Files that could not be written, and why.

        Raises:
            ConfigurationError: The output holds no `Audio`.
        """
        facts = {**self.provenance, "gain_db": self._sound().gain_db}
        facts["files"] = {path.name: file_sha256(path) for path in files}
        if not_written:
            facts["not_written"] = dict(not_written)
        return sidecar_text(facts)

    def mux(
        self,
        path: str | Path,
        *,
        encode: bool = False,
        fps: float | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write the video with this sound: the pictures are copied, not encoded again.

        Args:
            path: ``*.mp4``, ``*.mov``, ``*.mkv`` or ``*.webm``, fit for the source's video codec.
            encode: Encode the pictures anew (H.264) because no container holds them; see
                `pavas_sdk.media.choose_container`.
            fps: The rate with which the video was opened because its own clock is wrong.
            overwrite: Replace an existing file.

        Raises:
            ConfigurationError: The output holds no `Audio`, or the video was not a file.
            MediaError: The container cannot hold the pictures.
            OutputExistsError: The file exists.
            OutputError: The folder cannot be written.
        """
        from pavas_sdk.media import encode_with_sound, mux

        audio = self._sound()
        if self.video_path is None:
            raise ConfigurationError(
                "the video was given as frames, so there are no pictures to copy; write it with "
                "pavas_sdk.media.write_video(path, video, audio=out.audio)"
            )
        path = Path(path).expanduser()
        make_folder(path.parent)
        if encode:
            encode_with_sound(
                self.video_path,
                audio,
                path,
                start_s=self.video_start_s,
                fps=fps,
                overwrite=overwrite,
            )
        else:
            mux(
                self.video_path,
                audio,
                path,
                offset_s=self.video_start_s,
                fps=fps,
                overwrite=overwrite,
            )
        return path

    def save_physics(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the physics as JSON, to read, edit and give back as ``physics=``.

        Raises:
            OutputExistsError: The file exists.
            OutputError: The folder cannot be written.
        """
        path = Path(path).expanduser()
        write_text(path, self.physics.dumps(), overwrite=overwrite)
        return path

    def _sound(self) -> Audio:
        if not isinstance(self.audio, Audio):
            raise ConfigurationError(
                f"this output holds a {type(self.audio).__name__}, not an Audio; call the pipeline "
                'with output_type="audio" to write files'
            )
        return self.audio


class PavasOutputs(Sequence[PavasOutput[SoundT]]):
    """Several sounds, of a list of videos or with ``num_waveforms_per_video`` above 1.

    The waveforms of the first video come first. Index or iterate to get single ones.

    Args:
        outputs: The single sounds.
    """

    def __init__(self, outputs: Iterable[PavasOutput[SoundT]]) -> None:
        self._outputs = tuple(outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    @overload
    def __getitem__(self, index: int) -> PavasOutput[SoundT]: ...
    @overload
    def __getitem__(self, index: slice) -> PavasOutputs[SoundT]: ...
    def __getitem__(self, index: int | slice) -> PavasOutput[SoundT] | PavasOutputs[SoundT]:
        """Return one sound, or several for a slice.

        Raises:
            IndexError: There are not so many.
        """
        if isinstance(index, slice):
            return PavasOutputs(self._outputs[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} sounds, index {index} is out of range")
        return self._outputs[index]

    def __repr__(self) -> str:
        return f"PavasOutputs({len(self)} sounds)"

    @property
    def audio(self) -> list[SoundT]:
        """The sounds."""
        return [one.audio for one in self]

    @property
    def physics(self) -> list[PhysicsEstimate]:
        """What each was conditioned on."""
        return [one.physics for one in self]

    @property
    def provenance(self) -> list[Provenance]:
        """How each was made."""
        return [one.provenance for one in self]

    @property
    def video_path(self) -> list[str | None]:
        """The file of each video, None where frames were given."""
        return [one.video_path for one in self]

    def normalized(self, peak_dbfs: float) -> PavasOutputs[SoundT]:
        """Return copies, each with its own peak at ``peak_dbfs``; see `PavasOutput.normalized`."""
        return PavasOutputs(one.normalized(peak_dbfs) for one in self)

    def save(self, path: str | Path, **options: object) -> NoReturn:
        """Refuse: each sound needs a name of its own.

        Raises:
            ConfigurationError: Always, with what to type.
        """
        del path, options
        raise ConfigurationError(
            f"this output holds {len(self)} sounds; write them one by one: "
            "for index, one in enumerate(out): one.save(f'out-{index}.wav')"
        )

    mux = save_physics = save


def sidecar_text(provenance: Provenance) -> str:
    """Return a sidecar's JSON text."""
    document = {"format": SIDECAR_FORMAT, "format_version": SIDECAR_VERSION, **provenance}
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a file name that is no UTF-8: its bytes are written as escapes
        text = json.dumps(document, indent=1, allow_nan=False)
    return text + "\n"


def read_sidecar(path: str | Path) -> Provenance:
    """Read a sidecar that `PavasOutput.save` wrote.

    Raises:
        FormatError: Not readable, another format, or newer than this version reads.
    """
    return read_document(
        path, format_name=SIDECAR_FORMAT, newest=SIDECAR_VERSION, what="provenance of a sound"
    )
