"""Puts the page together: one HTML file that asks for nothing from anywhere."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.files import write_text
from pavas_sdk.data.paths import expanded
from pavas_sdk.display.sound_picture import sound_picture
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import write_audio
from pavas_sdk.media.video_writer import write_video_parts
from pavas_sdk.report import quantities
from pavas_sdk.report.cards import impact_rows, object_cards
from pavas_sdk.report.html_parts import choices, colours_of, filled, read_part, script_json
from pavas_sdk.report.origin import notes_html, provenance_rows, settings_html
from pavas_sdk.report.overlay import overlay_json
from pavas_sdk.report.tracks import timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pavas_sdk.data import Audio, FrameSource, MaskTrack, PhysicsEstimate, Video

__all__ = ["ReportInput", "report_html", "write_preview", "write_report"]

_WINDOW_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportInput:
    """What a page is about.

    Attributes:
        title: Headline, the clip's name.
        source: The pictures.
        physics: Objects, masses and speeds.
        masks: Masks by object id.
        sound: The generated sound, or None.
        recorded: The clip's own sound to compare with, or None.
        provenance: How the sound was made (`PavasOutput.provenance`), or empty.
    """

    title: str
    source: FrameSource
    physics: PhysicsEstimate
    masks: Mapping[int, MaskTrack] = field(default_factory=dict)
    sound: Audio | None = None
    recorded: Audio | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def write_report(
    path: str | Path, report: ReportInput, *, max_side: int = 960, overwrite: bool = False
) -> Path:
    """Write the page.

    The file holds everything: the video (H.264, encoded again at most ``max_side`` pixels large),
    outlines of the masks, curves, pictures of the sound, the sound and the physics document. A
    policy in the page forbids the browser to load anything else.

    Args:
        path: The HTML file; missing folders are made.
        report: What to show.
        max_side: Longer side of the video in the page, pixels.
        overwrite: Replace an existing file.

    Raises:
        OutputExistsError: The file exists.
        OutputError: It cannot be written.
        ConfigurationError: ``max_side`` is below 64.
        MediaError: The video cannot be read.
    """
    file = expanded(path)
    write_text(file, report_html(report, max_side=max_side), overwrite=overwrite)
    return file


def report_html(report: ReportInput, *, max_side: int = 960) -> str:
    """Return the page's text; see `write_report`."""
    if max_side < 64:
        raise ConfigurationError(f"max_side must be at least 64 pixels, got {max_side}")
    physics = report.physics
    impacts = physics.impacts()
    colours = colours_of(physics)
    heard = {"generated": report.sound, "recorded": report.recorded}
    sounds = {
        name: sound_picture(audio, physics.duration_s)
        for name, audio in heard.items()
        if audio is not None
    }
    return filled(
        read_part("template.html"),
        {
            "title": escape(report.title),
            "stem": escape(Path(report.title).stem),
            "chips": _chips(report),
            "style": read_part("style.css"),
            "script": read_part("lookup.js") + read_part("script.js"),
            "aspect": f"{report.source.width / report.source.height:.5f}",
            "stage": read_part("stage.html"),
            "player": filled(
                read_part("player.html"),
                {
                    "timeline": timeline(physics, impacts, colours, sounds),
                    "choices": choices(sounds),
                    "editing": "",
                },
            ),
            "cards": object_cards(physics, impacts, colours),
            "impacts": impact_rows(physics, impacts, colours),
            "provenance": provenance_rows(physics, report.provenance),
            "settings": settings_html(report.provenance),
            "notes": notes_html(physics, report.provenance),
            "data": script_json(overlay_json(physics, report.masks, impacts, colours)),
            "physics": script_json(physics.to_json()),
            "video": _video(report.source, report.sound, max_side),
            **{
                name: "" if audio is None else _flac(audio, physics.duration_s)
                for name, audio in heard.items()
            },
        },
    )


def _chips(report: ReportInput) -> str:
    source, physics = report.source, report.physics
    facts = [
        quantities.seconds(source.duration_s),
        f"{source.width} × {source.height}",
        f"{source.frame_rate_hz:.3g} frames/s",
    ]
    if physics.time_scale != 1:
        facts.append(f"slow motion {physics.time_scale:g}×, speeds are real")
    if report.provenance.get("model"):
        facts.append(f"sound: {report.provenance['model']}")
    return "".join(f"<li>{escape(fact)}</li>" for fact in facts)


def write_preview(
    path: Path, source: FrameSource, sound: Audio | None = None, *, max_side: int = 960
) -> Path:
    """Write the pictures as H.264, quick to seek in, at most ``max_side`` pixels large.

    Raises:
        MediaError: The video cannot be read.
        OutputError: The file cannot be written.
    """
    return write_video_parts(
        path,
        _parts(source, max_side),
        sound,
        fps=source.frame_rate_hz,
        duration_s=source.duration_s,
        crf=23.0,
        keyframe_interval_s=0.5,  # so that seeking is quick
    )


def _video(source: FrameSource, sound: Audio | None, max_side: int) -> str:
    """The pictures with the generated sound as base64 of an mp4."""
    with tempfile.TemporaryDirectory(prefix="pavas-report-") as folder:
        path = write_preview(Path(folder) / "clip.mp4", source, sound, max_side=max_side)
        return base64.b64encode(path.read_bytes()).decode()


def _parts(source: FrameSource, max_side: int) -> Iterator[Video]:
    """The frames, two seconds at a time, so that memory does not grow with the length."""
    start_s, seen_s = 0.0, float("-inf")
    while start_s < source.duration_s - 1e-6:
        end_s = min(start_s + _WINDOW_S, source.duration_s)
        part = source.read(start_s, end_s, max_side=max_side)
        if float(part.times_s[0]) > seen_s:
            yield part
            seen_s = float(part.times_s[-1])
        start_s = end_s


def _flac(audio: Audio, duration_s: float) -> str:
    """A sound, as long as the clip, as base64 of a FLAC file."""
    with tempfile.TemporaryDirectory(prefix="pavas-report-") as folder:
        path = Path(folder) / "sound.flac"
        write_audio(path, audio.fitted(max(1, round(duration_s * audio.sample_rate_hz))))
        return base64.b64encode(path.read_bytes()).decode()
