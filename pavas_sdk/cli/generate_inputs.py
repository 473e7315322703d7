"""What ``pavas generate`` makes sounds for: videos, still pictures, or a text alone."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Literal

from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.pipelines.result_files import SoundInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SoundInput", "read_inputs"]

_STEM_LENGTH = 60


def read_inputs(
    paths: Sequence[Path], *, prompt: str, duration_s: float | None, fps: float | None = None
) -> tuple[SoundInput, ...]:
    """Tell videos, pictures and text apart, and check that each has one length.

    Args:
        paths: Files, or folders of videos; a picture is told by its content. None: the prompt
            alone.
        prompt: What is to be heard.
        duration_s: Of ``--duration``, or None.
        fps: Of ``--fps``, or None.

    Raises:
        ConfigurationError: Nothing to make a sound for, a length that is missing, impossible, or
            given for a video, which has its own.
    """
    from pavas_sdk.media import is_picture

    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise ConfigurationError(f"--duration must be above 0 seconds, got {duration_s:g}")
    if not paths:
        if not prompt.strip():
            raise ConfigurationError(
                "nothing to make a sound for; give a video, a picture with --duration, or --prompt "
                'with --duration: pavas generate --prompt "rain on a tin roof" --duration 8'
            )
        if duration_s is None:
            raise ConfigurationError(
                "a sound from text alone needs its length in seconds: add --duration 8"
            )
        stem = stem_of(prompt)
        return (SoundInput(kind="text", path=None, stem=stem, duration_s=duration_s),)
    inputs = []
    for path in _files(paths):
        still = is_picture(path)
        if still and duration_s is None:
            raise ConfigurationError(
                f"{path} is a still picture; say how long the sound is to be: add --duration 8"
            )
        if not still and duration_s is not None and path.is_file():
            raise ConfigurationError(
                f"{path} is a video and has its own length; leave out --duration, which is for "
                "text and pictures (for its first seconds only: pipe(video, duration_s=...) in "
                "Python)"
            )
        kind: Literal["video", "image"] = "image" if still else "video"
        length = duration_s if still else None
        inputs.append(SoundInput(kind=kind, path=path, stem=path.stem, duration_s=length, fps=fps))
    return tuple(inputs)


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files, with every video of a folder (not of folders within) in its place.

    Raises:
        ConfigurationError: A folder without a video.
    """
    from pavas_sdk.annotation.clips import VIDEO_SUFFIXES

    found: list[Path] = []
    for path in paths:
        folder = expanded(path)
        if not os.path.isdir(folder):  # noqa: PTH112  # False, not an error, where a name is too long
            found.append(path)
            continue
        inside = sorted(
            file
            for file in folder.iterdir()
            if file.suffix.lower() in VIDEO_SUFFIXES
            and not file.name.startswith(".")
            and file.is_file()
        )
        if not inside:
            raise ConfigurationError(
                f"no video in the folder {path}; expected files ending in "
                f"{', '.join(sorted(VIDEO_SUFFIXES))}"
            )
        found += inside
    return found


def stem_of(prompt: str) -> str:
    """Return a file name for a text: its words, joined by hyphens."""
    words = re.findall(r"\w+", prompt)
    stem = "-".join(words)
    while len(words) > 1 and len(stem) > _STEM_LENGTH:
        words.pop()
        stem = "-".join(words)
    return stem[:_STEM_LENGTH] or "sound"
