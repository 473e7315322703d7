"""``pavas inspect``: what is in a video, a sound, a result, or a saved pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.output import json_option, show, show_json
from pavas_sdk.cli.warning_lines import warn
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import MediaError, MediaNotFoundError

if TYPE_CHECKING:
    from pavas_sdk.data import ComponentRef

__all__ = ["inspect_file"]


@click.command(name="inspect")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="Decode a video to its end, so that damage is found.")
@json_option
def inspect_file(path: Path, full: bool, as_json: bool) -> int:
    """Say what is in PATH.

    A video or sound file, a physics JSON, a NAME.pavas.json, or the folder of a saved pipeline.
    """
    facts = _facts(expanded(path), full)
    if as_json:
        show_json(facts)
    else:
        for line in _lines(facts):
            show(line)
    for warning in facts.get("warnings", ()):
        warn(warning)
    return 1 if full and facts.get("warnings") else 0


def _facts(path: Path, full: bool) -> dict[str, Any]:
    if not path.exists():
        raise MediaNotFoundError(f"no such file: {path}")
    if path.is_dir():
        return _pipeline(path)
    if path.suffix == ".json":
        return _document(path)
    return _media(path, full)


def _pipeline(folder: Path) -> dict[str, Any]:
    from pavas_sdk.data.documents import read_json
    from pavas_sdk.physics import saved_slots
    from pavas_sdk.pipelines.saved import SavedPipeline

    saved = SavedPipeline.read(folder)
    index = read_json(folder / "model_index.json")
    slots: dict[str, ComponentRef] = {} if saved.estimator is None else saved_slots(saved.estimator)
    return {
        "kind": "pipeline",
        "path": str(folder),
        "name": index.get("name", ""),
        "licence": index.get("licence", ""),
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        "settings": {
            key: value
            for key, value in index.items()
            if not key.startswith("_") and key not in (*saved.components, "name", "licence")
        },
        "components": {name: ".".join(named) for name, named in saved.components.items()},
        "slots": {slot: f"{ref.qualified_name} {ref.version}" for slot, ref in slots.items()},
    }


def _document(path: Path) -> dict[str, Any]:
    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.data.documents import read_json
    from pavas_sdk.pipelines.output import SIDECAR_FORMAT, read_sidecar

    data = read_json(path)
    if isinstance(data, dict) and data.get("format") == SIDECAR_FORMAT:
        return {"kind": "provenance", "path": str(path), **read_sidecar(path)}
    physics = PhysicsEstimate.load(path)
    return {
        "kind": "physics",
        "path": str(path),
        "summary": str(physics),
        **physics.to_json(),
        "impacts": [_impact(hit) for hit in physics.impacts()],
    }


def _impact(hit: Any) -> dict[str, Any]:
    from dataclasses import asdict

    facts = {**asdict(hit), "energy_change_j": hit.energy_change_j}
    del facts["stated_energy_j"]
    return {
        key: None if isinstance(value, float) and value != value else value  # NaN
        for key, value in facts.items()
    }


def _media(path: Path, full: bool) -> dict[str, Any]:
    from pavas_sdk.media import open_video, read_audio

    try:
        with open_video(path) as video:
            if full:
                video.check()
            return {"kind": "video", **video.info()}
    except MediaError as err:
        try:
            audio = read_audio(path)
        except MediaError:
            raise err from None
    peak = audio.peak_dbfs
    return {
        "kind": "sound",
        "path": str(path),
        "duration_s": audio.duration_s,
        "sample_rate_hz": audio.sample_rate_hz,
        "channels": audio.channels,
        "peak_dbfs": None if peak == float("-inf") else round(peak, 2),
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts for people: one per line, nested ones indented, long series left out."""
    if facts["kind"] == "physics":
        lines = [f"physics of {facts['duration_s']:.2f} s", *_indented(facts["summary"])]
        lines += [
            f"  impact of object {i['object_id']} at {i['time_s']:.2f} s" for i in facts["impacts"]
        ]
        return lines + [f"  {name}: {text}" for name in ("edits", "notes") for text in facts[name]]
    lines = [facts["kind"]]
    for name, value in facts.items():
        if name in ("kind", "warnings", "format", "format_version", "physics"):
            continue
        if isinstance(value, dict):
            lines.append(f"  {name}:")
            lines += [f"    {key}: {_short(entry)}" for key, entry in value.items()]
        elif value not in (None, "", [], ()):
            lines.append(f"  {name}: {_short(value)}")
    return lines


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values() if part not in ("", None))
    if isinstance(value, list):
        return "; ".join(str(part) for part in value)
    return str(value)
