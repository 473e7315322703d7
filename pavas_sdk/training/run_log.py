"""What a run leaves to look at: a line per report, a curve, and a page."""

from __future__ import annotations

import base64
import html
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.files import write_text
from pavas_sdk.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["RunLog"]

_WIDTH, _HEIGHT, _MARGIN = 960, 420, 56
_COLOURS = {"loss": (31, 95, 168), "validation": (200, 90, 20), "swapped": (120, 120, 120)}


class RunLog:
    """The figures of a run, one JSON object per line in ``log.jsonl``.

    Args:
        folder: Of the run.
        step: Entries of this step and later ones are dropped: the run goes on from there.
    """

    def __init__(self, folder: Path, *, step: int = 0) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "log.jsonl"
        self.entries = [entry for entry in _read(self.path) if entry.get("step", 0) <= step]
        self._rewrite()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append one entry; it has a ``step``."""
        self.entries.append(dict(entry))
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as err:
            raise OutputError(f"cannot write {self.path}: {err}") from err

    def curve(self, name: str) -> list[tuple[int, float]]:
        """Return (step, value) of one figure."""
        return [
            (int(entry["step"]), float(entry[name]))
            for entry in self.entries
            if isinstance(entry.get(name), int | float) and math.isfinite(entry[name])
        ]

    def draw(self, facts: Mapping[str, Any]) -> None:
        """Write ``loss.png`` and ``index.html``.

        Args:
            facts: Of the run, shown as a table.
        """
        picture = self.folder / "loss.png"
        curves = {name: self.curve(name) for name in _COLOURS}
        _plot({name: curve for name, curve in curves.items() if curve}, picture)
        page = _page(picture.read_bytes(), facts, self.entries)
        write_text(self.folder / "index.html", page, overwrite=True)

    def _rewrite(self) -> None:
        lines = "".join(json.dumps(entry) + "\n" for entry in self.entries)
        write_text(self.path, lines, overwrite=True)


def _read(path: Path) -> list[dict[str, Any]]:
    """Whole lines; one cut off by an interrupt is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return entries


def _plot(curves: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """Draw the curves over the steps, the loss on a logarithmic axis."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    points = [point for curve in curves.values() for point in curve if point[1] > 0]
    if points:
        last = max(1, *(step for step, _ in points))
        low = min(math.log10(value) for _, value in points)
        high = max(math.log10(value) for _, value in points)
        high = max(high, low + 0.05)

        def place(step: int, value: float) -> tuple[float, float]:
            across = (_WIDTH - 2 * _MARGIN) * step / last
            up = (_HEIGHT - 2 * _MARGIN) * (math.log10(value) - low) / (high - low)
            return _MARGIN + across, _HEIGHT - _MARGIN - up

        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            value = 10 ** (low + share * (high - low))
            _, y = place(0, value)
            draw.line([(_MARGIN, y), (_WIDTH - _MARGIN, y)], fill=(225, 225, 225))
            draw.text((6, y - 6), f"{value:.3g}", fill="black")
            x, _ = place(round(share * last), value)
            draw.text((x - 10, _HEIGHT - _MARGIN + 8), f"{round(share * last)}", fill="black")
        for number, (name, curve) in enumerate(curves.items()):
            line = [place(step, value) for step, value in curve if value > 0]
            if len(line) > 1:
                draw.line(line, fill=_COLOURS[name], width=2)
            for x, y in line if len(line) < 40 else ():
                draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=_COLOURS[name])
            draw.text((_MARGIN + 120 * number, 16), name, fill=_COLOURS[name])
    image.save(path)


def _page(picture: bytes, facts: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> str:
    shown = base64.b64encode(picture).decode("ascii")
    rows = "".join(
        f"<tr><th>{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    last = html.escape(json.dumps(entries[-1], indent=1)) if entries else "nothing yet"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Training run</title>
<style>body{{font:15px/1.5 sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}}
th{{text-align:left;padding-right:2rem;font-weight:normal;color:#555;vertical-align:top}}
img{{max-width:100%}}</style>
<h1>Training run</h1>
<img alt="Loss over the steps" src="data:image/png;base64,{shown}">
<table>{rows}</table>
<h2>Last report</h2><pre>{last}</pre>
</html>
"""
