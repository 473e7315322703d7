"""A folder evaluation as one self-contained HTML page: the table, and clips to see and hear.

For every metric that has values per clip, the best and the worst clips of every model: frames of the
video, spectrograms of the true and the generated sound, and players. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

from pavas_sdk.display.sound_picture import sound_picture
from pavas_sdk.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.data import Audio
    from pavas_sdk.evaluation.folder_files import FolderFiles

__all__ = ["folder_html"]

_MOST_CARDS, _MOST_SHOWN = 40, 5  # of the page; best and worst, each, of a metric and a model
_FRAMES, _FRAME_HEIGHT = 6, 90
_SPECTROGRAM = (640, 96)
_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #2a9d8f; --bad: #d1495b }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.5rem } h3 { font-size: 1rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
td small { display: block; opacity: .65; font-size: .75rem }
td.best { font-weight: 700 }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .3rem .8rem; align-items: center; max-width: 46rem }
.bar { background: var(--good); height: .8rem; border-radius: .2rem; min-width: 1px }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem }
.clip { border: 1px solid var(--line); border-left: 4px solid var(--bad); border-radius: .4rem; padding: .6rem .8rem; background: var(--soft); min-width: 0 }
.clip.good { border-left-color: var(--good) } .clip.same { border-left-color: var(--line) }
.clip h3 { margin: 0 0 .4rem; overflow-wrap: anywhere } .clip h3 span { float: right; font-weight: 400 }
.strip { width: 100%; border-radius: .2rem; display: block }
.spectrogram { width: 100%; height: 84px; display: block; border-radius: .2rem; object-fit: fill }
figure { margin: .4rem 0 } figcaption { font-size: .75rem; opacity: .7 }
audio { width: 100%; height: 2rem; margin-top: .2rem }
.notes { font-size: .85rem; opacity: .85 } .notes li { margin: .15rem 0 }
"""


def folder_html(result: Mapping[str, Any], sounds: FolderFiles, notes: str) -> str:
    """Return the page.

    Args:
        result: What `evaluate_folder` returned.
        sounds: Files of the clips.
        notes: Lines of text that a reader must know.
    """
    models = " · ".join(escape(name) for name in sounds.generated)
    sections = [_table(result), *_bars(result)]
    clips = _Clips(sounds)
    per_clip = result.get("per_clip", {})
    places = max(1, 2 * len(per_clip) * len(sounds.generated))
    shown = min(_MOST_SHOWN, max(1, _MOST_CARDS // places))
    sections += [_extremes(name, values, result, clips, shown) for name, values in per_clip.items()]
    lines = "".join(f"<li>{escape(line)}</li>" for line in notes.splitlines() if line.strip())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{models}: sounds compared</title><style>{_STYLE}</style></head><body>"
        f"<h1>{models}</h1><p>{result['clips']['count']} clips beside their true sounds. In small: "
        "95 % intervals over clips. Best in bold.</p>"
        + "\n".join(sections)
        + f'<h2>Notes</h2><ul class="notes">{lines}</ul></body></html>\n'
    )


def _table(result: Mapping[str, Any]) -> str:
    conventions = result["conventions"]
    head = "".join(
        f'<th title="{escape(row["convention"], quote=True)}">{escape(row["title"])} '
        f"{'↑' if row['better'] == 'higher' else '↓'}</th>"
        for row in conventions.values()
    )
    body = []
    for model, entry in result["models"].items():
        cells = [f"<td>{escape(model)}</td>"]
        for name, row in conventions.items():
            figure = entry["metrics"][name]
            values = [
                other["metrics"][name]["value"]
                for key, other in result["models"].items()
                if key != "reference" and other["metrics"][name]["value"] is not None
            ]
            top = (max if row["better"] == "higher" else min)(values, default=None)
            best = model != "reference" and top is not None and figure["value"] == top
            cells.append(f'<td class="{"best" if best else ""}">{_figure(figure)}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    text = f"{figure['value']:.3f}"
    if figure["interval"] is None:
        return text
    low, high = figure["interval"]
    return f"{text}<small>{low:.3f} to {high:.3f}</small>"


def _bars(result: Mapping[str, Any]) -> list[str]:
    """A bar per model for every Frechet distance, and the noise floor."""
    found = []
    for name, floor in result.get("noise_floor", {}).items():
        values = {
            model: entry["metrics"][name]["value"]
            for model, entry in result["models"].items()
            if model != "reference"
        }
        values["halves of the reference"] = floor["value"]
        largest = max([value for value in values.values() if value is not None], default=0.0) or 1.0
        rows = "".join(
            f"<span>{escape(model)}</span>"
            f'<div class="bar" style="width:{100 * max(value, 0.0) / largest:.1f}%"></div>'
            f"<span>{value:.4g}</span>"
            for model, value in values.items()
            if value is not None
        )
        title = escape(result["conventions"][name]["title"])
        found.append(f'<h2>{title}</h2><div class="bars">{rows}</div>')
    return found


def _extremes(
    name: str, values: Mapping[str, Any], result: Mapping[str, Any], clips: _Clips, shown: int
) -> str:
    """The best and worst clips of every model by one metric."""
    row = result["conventions"][name]
    parts = [f"<h2>{escape(row['title'])}: worst and best clips</h2>"]
    for model in result["models"]:
        if model == "reference":
            continue
        ranked = sorted(zip(values[model], values["clips"], strict=True))
        if row["better"] == "higher":
            ranked.reverse()
        count = min(shown, len(ranked) // 2) or 1
        top, bottom = ranked[0][0], ranked[-1][0]
        # a clip as bad as the worst is not a best one, and where all are alike none is either
        worst = [entry for entry in ranked[-count:][::-1] if entry[0] != top]
        best = [entry for entry in ranked[:count] if entry[0] != bottom]
        entries = [(entry, "") for entry in worst] + [(entry, " good") for entry in best]
        entries = entries or [(entry, " same") for entry in ranked[:count]]
        cards = "".join(
            f'<article class="clip{kind}"><h3>{escape(clip)}'
            f"<span>{value:.3f}</span></h3>{clips.pictures(clip, model)}</article>"
            for (value, clip), kind in entries
        )
        parts.append(f'<h3>{escape(model)}</h3><div class="clips">{cards}</div>')
    return "\n".join(parts)


class _Clips:
    """Pictures and players of clips, each made once."""

    def __init__(self, sounds: FolderFiles) -> None:
        self._sounds = sounds
        self._made: dict[tuple[str, str], str] = {}

    def pictures(self, clip: str, model: str) -> str:
        """Frames of the video, the true sound, the model's sound."""
        true = self._sounds.reference.get(clip)
        made = self._sounds.generated[model].get(clip)
        return (
            self._once("video", clip, self._strip)
            + self._once("reference", clip, lambda name: _sound("true sound", true))
            + self._once(model, clip, lambda name: _sound(model, made))
        )

    def _once(self, kind: str, clip: str, make: Any) -> str:
        if (kind, clip) not in self._made:
            self._made[kind, clip] = make(clip)
        return self._made[kind, clip]

    def _strip(self, clip: str) -> str:
        path = self._sounds.videos.get(clip)
        if path is None:
            return ""
        try:
            data = _frames_jpeg(path)
        except MediaError:
            return "<figure><figcaption>the video cannot be read</figcaption></figure>"
        return f'<img class="strip" alt="frames" src="data:image/jpeg;base64,{_base64(data)}">'


def _sound(title: str, path: Path | None) -> str:
    from pavas_sdk.media import read_audio

    if path is None:
        return f"<figure><figcaption>{escape(title)}: no sound</figcaption></figure>"
    try:
        audio = read_audio(path)
    except MediaError:
        return f"<figure><figcaption>{escape(title)}: cannot be read</figcaption></figure>"
    facts = f"{escape(title)}, {audio.duration_s:.1f} s"
    if not audio.samples.any():
        return f"<figure><figcaption>{facts}, silent</figcaption></figure>"
    picture = sound_picture(audio, audio.duration_s)
    spectrogram = _base64(_small_jpeg(picture.spectrogram_png))
    return (
        f'<figure><img class="spectrogram" alt="spectrogram" src="data:image/jpeg;base64,{spectrogram}">'
        f"<figcaption>{facts}, peak {picture.peak_dbfs:.0f} dBFS; brightest {picture.top_db:.0f} dB"
        '</figcaption><audio controls preload="metadata" '
        f'src="data:audio/flac;base64,{_base64(_flac(audio))}"></audio></figure>'
    )


def _small_jpeg(png: bytes) -> bytes:
    """A spectrogram at the size of the page: a twentieth of the bytes."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").resize(_SPECTROGRAM).save(out, "JPEG", quality=85)
    return out.getvalue()


def _flac(audio: Audio) -> bytes:
    import tempfile
    from pathlib import Path

    from pavas_sdk.data import Audio
    from pavas_sdk.media import write_audio

    mono = Audio(samples=audio.mono, sample_rate_hz=audio.sample_rate_hz)
    with tempfile.TemporaryDirectory(prefix="pavas-page-") as folder:
        path = Path(folder) / "sound.flac"
        write_audio(path, mono)
        return path.read_bytes()


def _frames_jpeg(path: Path) -> bytes:
    """Frames at equal distances, side by side."""
    import numpy as np
    from PIL import Image

    from pavas_sdk.media import open_video

    source = open_video(path)
    times_s = (np.arange(_FRAMES) + 0.5) * source.duration_s / _FRAMES
    frames = source.frames_at(times_s, max_side=320).frames
    height, width = frames.shape[1:3]
    size = (max(1, round(width * _FRAME_HEIGHT / height)), _FRAME_HEIGHT)
    strip = Image.new("RGB", (size[0] * len(frames), size[1]))
    for index, frame in enumerate(frames):
        strip.paste(Image.fromarray(frame).resize(size), (index * size[0], 0))
    out = io.BytesIO()
    strip.save(out, "JPEG", quality=80)
    return out.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
