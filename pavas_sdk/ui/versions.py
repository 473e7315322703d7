"""The versions of a clip's sound: how each was made, and its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pavas_sdk.errors import ConfigurationError, MediaError
from pavas_sdk.media import write_audio

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.data import Audio
    from pavas_sdk.pipelines import PavasOutput
    from pavas_sdk.ui.edits import EditedPhysics

__all__ = ["SoundSettings", "Version", "write_version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """How a sound is made.

    Attributes:
        prompt: What is to be heard.
        negative_prompt: What is not.
        seed: Of the noise.
        num_inference_steps: Euler steps; None: the model's.
        guidance_scale: Weight of the conditions; None: the model's.
        stems: Also make a sound per object.
    """

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 0
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    stems: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Version:
    """One sound that was made.

    Attributes:
        number: Counts from 1.
        label: What it is of, in words.
        model: Which model made it.
        settings: How.
        edited: The physics it was made of.
        audio: The sound, at the level at which it was made.
        files: Sound, video, physics, provenance and stems, to download.
    """

    number: int
    label: str
    model: str
    settings: SoundSettings
    edited: EditedPhysics
    audio: Audio
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        """How it is listed."""
        return f"{self.number}: {self.label}"

    @property
    def sound_file(self) -> Path:
        """The file that a browser plays."""
        return self.files[0]


def write_version(
    out: PavasOutput, folder: Path, name: str, stems: Mapping[int, Audio]
) -> tuple[Path, ...]:
    """Write the files of a version and return them: sound, video, physics, provenance, stems.

    Args:
        out: The sound.
        folder: Made here.
        name: Of the files, without an ending.
        stems: The sound of each object by id; may be empty.

    Raises:
        OutputError: The folder cannot be written.
    """
    from pavas_sdk.pipelines.result_files import stem_path

    labels = {key: out.physics[key].object.label for key in stems}
    paths = {key: stem_path(folder / f"{name}.wav", key, labels[key]) for key in stems}
    if stems:
        facts = {paths[key].name: {"object_id": key, "label": labels[key]} for key in stems}
        out = replace(out, provenance={**out.provenance, "stems": facts})
    sound, sidecar = out.save(folder / f"{name}.wav")
    for key, audio in stems.items():
        write_audio(paths[key], audio)
    video = folder / f"{name}.mp4"
    try:
        out.mux(video)
    except (MediaError, ConfigurationError):  # mp4 does not hold these pictures
        out.mux(video, encode=True)
    physics = out.save_physics(folder / f"{name}.physics.json")
    return sound, video, physics, sidecar, *paths.values()
