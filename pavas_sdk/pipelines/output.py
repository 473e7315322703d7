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
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError, OutputExistsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pavas_sdk.data import FrameSource, PhysicsEstimate
    from pavas_sdk.media.audio_files import Subtype

__all__ = ["PavasOutput", "PavasOutputs", "Provenance", "read_sidecar", "sidecar_path"]

SIDECAR_FORMAT = "pavas.provenance"
SIDECAR_VERSION = 1
_LONGEST_LINE = 300
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
_SUFFIXES = (".wav", ".flac", *VIDEO_SUFFIXES)

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
            (bands, frames), "latent" (N, C), normalised as the flow sees it; or an array, "np".
        physics: What the sound was conditioned on.
        provenance: Plain JSON, a dictionary: model, versions, seed, settings, physics' provenance, gain, edits.
        video_path: The video's file, or None when frames were given.
        video_start_s: Where in that file the sound begins.
        pictures: The video where it was no file, so that it can be written with the sound.
    """

    audio: SoundT
    physics: PhysicsEstimate
    provenance: Provenance
    video_path: str | None = None
    video_start_s: float = 0.0
    pictures: FrameSource | None = None

    def __len__(self) -> int:
        return 1

    def __repr__(self) -> str:
        audio = self.audio
        sound = repr(audio) if isinstance(audio, Audio) else _array_words(audio)
        physics = repr(self.physics).replace("\n", "\n  ")
        return f"PavasOutput(\n  {sound}\n  {physics}\n  {self._facts()}\n)"

    def _repr_html_(self) -> str | None:
        if not isinstance(self.audio, Audio):
            return None
        from pavas_sdk.display.sound_html import sound_html

        return sound_html(self.audio, self.physics, self._facts())

    def _facts(self) -> str:
        """Where the sound comes from, in one line."""
        known = self.provenance
        parts = [f"{name} {known[name]}" for name in ("model", "seed", "level") if name in known]
        if self.video_path is not None:
            parts.append(f"video {self.video_path}")
        line = ", ".join(parts)
        return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"

    def plot(self) -> Figure:
        """Return a matplotlib figure: waveform, spectrogram and speeds, with the impacts.

        Raises:
            ConfigurationError: matplotlib is not installed (``pavas-sdk[plot]``), or the output
                holds no `Audio`.
        """
        from pavas_sdk.display.sound_plot import plot_sound

        return plot_sound(self._sound(), self.physics)

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
        """Write the sound, and its provenance beside it; to a video's name: the video with its sound.

        Args:
            path: ``*.wav`` or ``*.flac``; or ``*.mp4``, ``*.mov``, ``*.mkv``, ``*.webm``: see
                `mux`. Missing folders are made.
            overwrite: Replace existing files.
            subtype: "pcm_16", "pcm_24" or "float32" (WAV).

        Returns:
            The file and the sidecar (``out.pavas.json``).

        Raises:
            OutputExistsError: One of them exists.
            OutputError: The folder cannot be written.
            ConfigurationError: The output holds no `Audio` (another ``output_type``), another
                suffix, or a video is wanted of a sound that was made without one.
            MediaError: See `mux`.
        """
        from pavas_sdk.media import write_audio

        audio = self._sound()
        path = expanded(path)
        if path.suffix.lower() not in _SUFFIXES:
            raise ConfigurationError(
                f"cannot write sound to {path.name!r}: expected a name ending in "
                f"{', '.join(_SUFFIXES)}"
            )
        sidecar = sidecar_path(path)
        if sidecar.exists() and not overwrite:
            raise OutputExistsError(f"{sidecar} exists; pass overwrite=True to replace it")
        make_folder(path.parent)
        if path.suffix.lower() in VIDEO_SUFFIXES:
            self.mux(path, overwrite=overwrite)
        else:
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
        """Write the video with this sound: the pictures of a file are copied, not encoded again.

        A video that was given as frames or bytes is encoded (H.264).

        Args:
            path: ``*.mp4``, ``*.mov``, ``*.mkv`` or ``*.webm``, fit for the source's video codec.
            encode: Encode the pictures anew (H.264) because no container holds them; see
                `pavas_sdk.media.choose_container`.
            fps: The rate with which the video was opened because its own clock is wrong.
            overwrite: Replace an existing file.

        Raises:
            ConfigurationError: The output holds no `Audio`, or there was no video.
            MediaError: The container cannot hold the pictures.
            OutputExistsError: The file exists.
            OutputError: The folder cannot be written.
        """
        from pavas_sdk.media import encode_with_sound, mux, write_source

        audio = self._sound()
        path = expanded(path)
        if self.video_path is None and self.pictures is None:
            raise ConfigurationError(
                f"this sound was made without a video, so {path.name} would have no pictures; save "
                "it as .wav or .flac"
            )
        make_folder(path.parent)
        if self.video_path is None:
            assert self.pictures is not None
            return write_source(path, self.pictures, audio, overwrite=overwrite)
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
        path = expanded(path)
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

    def _repr_html_(self) -> str | None:
        shown = [one._repr_html_() for one in self._outputs]
        pages = [page for page in shown if page is not None]
        return "<hr>".join(pages) if len(pages) == len(shown) else None

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


def _array_words(array: object) -> str:
    return f"{type(array).__name__} {tuple(getattr(array, 'shape', ()))}"


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
