"""How good a sound is: one file per metric, in mir_eval's manner, and the runner over clips.

Metrics are pure functions of times, levels and energies. Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_sdk.evaluation.apcc import ApccResult
    from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
    from pavas_sdk.evaluation.clip import ClipMeasurement, measure_clip
    from pavas_sdk.evaluation.edits import EDITS, Edit, EditMeasurement, summarise_edits
    from pavas_sdk.evaluation.onset import detect_onsets, onset_strength
    from pavas_sdk.evaluation.runner import run
    from pavas_sdk.evaluation.simulated import evaluate_edits, evaluate_simulated
    from pavas_sdk.evaluation.sounds import SoundMaker, SoundOptions, sound_options
    from pavas_sdk.evaluation.summary import summarise

_EXPORTS = {
    "EDITS": "edits",
    "ApccResult": "apcc",
    "ClipMeasurement": "clip",
    "Edit": "edits",
    "EditMeasurement": "edits",
    "SoundMaker": "sounds",
    "SoundOptions": "sounds",
    "bootstrap_intervals": "bootstrap",
    "detect_onsets": "onset",
    "evaluate_edits": "simulated",
    "evaluate_simulated": "simulated",
    "measure_clip": "clip",
    "onset_strength": "onset",
    "run": "runner",
    "sound_options": "sounds",
    "summarise": "summary",
    "summarise_edits": "edits",
}

__all__ = [
    "EDITS",
    "ApccResult",
    "ClipMeasurement",
    "Edit",
    "EditMeasurement",
    "SoundMaker",
    "SoundOptions",
    "bootstrap_intervals",
    "detect_onsets",
    "evaluate_edits",
    "evaluate_simulated",
    "measure_clip",
    "onset_strength",
    "run",
    "sound_options",
    "summarise",
    "summarise_edits",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
