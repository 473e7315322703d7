"""Who said what: components with their licences, settings of the sound, edits and notes."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from pavas_sdk.registry import is_non_commercial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import PhysicsEstimate

__all__ = ["notes_html", "provenance_rows", "settings_html"]

_SETTINGS = (
    ("model", "model"),
    ("prompt", "prompt"),
    ("negative_prompt", "not to be heard"),
    ("seed", "seed"),
    ("num_inference_steps", "steps"),
    ("guidance_scale", "guidance"),
    ("video_guidance_scale", "guidance, pictures"),
    ("physics_guidance_scale", "guidance, physics and text"),
    ("level", "level"),
    ("gain_db", "gain, dB"),
    ("sample_rate_hz", "sample rate, Hz"),
)


def provenance_rows(physics: PhysicsEstimate, provenance: Mapping[str, Any]) -> str:
    """Return table rows: which component made what, and under which licence.

    Args:
        physics: Its provenance names the estimator's slots.
        provenance: Of the sound, the sidecar's JSON, or empty.
    """
    rows: dict[str, dict[str, Any]] = {
        slot: ref.to_json() for slot, ref in physics.provenance.items()
    }
    for slot, about in dict(provenance.get("components", {})).items():
        rows.setdefault(str(slot), dict(about))
    if not rows:
        return '<tr><td colspan="3" class="none">Nothing is recorded.</td></tr>'
    return "\n".join(_component(slot, about) for slot, about in rows.items())


def _component(slot: str, about: Mapping[str, Any]) -> str:
    name, owner = str(about.get("name", "")), str(about.get("distribution", ""))
    version, licence = str(about.get("version", "")), str(about.get("licence", ""))
    config = about.get("config") or {}
    settings = ""
    if config:
        text = escape(json.dumps(config, indent=1, ensure_ascii=False))
        settings = f"<details><summary>settings</summary><pre>{text}</pre></details>"
    mark, shown = "free", licence
    if not licence:
        mark, shown = "unknown", "licence unknown"
    elif is_non_commercial(licence):
        mark, shown = "nc", f"{licence} · not for commercial use"
    return (
        f"<tr><th>{escape(slot.replace('_', ' '))}</th>"
        f"<td><b>{escape(name)}</b> <small>{escape(f'{owner} {version}'.strip())}</small>"
        f'{settings}</td><td><span class="licence {mark}">{escape(shown)}</span></td></tr>'
    )


def settings_html(provenance: Mapping[str, Any]) -> str:
    """Return how the sound was made, as a definition list; empty without a sound."""
    facts = [
        (label, provenance[key])
        for key, label in _SETTINGS
        if provenance.get(key) not in (None, "")
    ]
    versions = dict(provenance.get("versions", {}))
    if versions:
        facts.append(("versions", ", ".join(f"{k} {v}" for k, v in versions.items())))
    lines = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(_shown(value))}</dd></div>" for key, value in facts
    )
    return f"<dl>{lines}</dl>" if lines else ""


def _shown(value: Any) -> str:
    """A setting as people write it; every digit stands in the sidecar."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def notes_html(physics: PhysicsEstimate, provenance: Mapping[str, Any]) -> str:
    """Return what should be known: edits by hand, and notes of estimators and pipeline."""
    notes = dict.fromkeys([*physics.notes, *map(str, provenance.get("notes", ()))])
    lines = [f'<li class="edit">{escape(edit)}</li>' for edit in physics.edits]
    lines += [f"<li>{escape(note)}</li>" for note in notes]
    return f'<ul class="notes">{"".join(lines)}</ul>' if lines else ""
