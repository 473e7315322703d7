"""Annotation: physics and masks of many clips, by many workers, once each.

Names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.annotation.annotating import AnnotationConfig
    from pavas_sdk.annotation.clips import ClipEntry, read_clips
    from pavas_sdk.annotation.driver import DriverConfig, ItemReport, run_items
    from pavas_sdk.annotation.engines import EngineConfig, make_workers
    from pavas_sdk.annotation.job import JobReport, annotate
    from pavas_sdk.annotation.job_folder import JobFolder
    from pavas_sdk.annotation.progress import JobProgress
    from pavas_sdk.annotation.results import Annotation
    from pavas_sdk.annotation.sound_facts import SoundFacts, clip_sound
    from pavas_sdk.annotation.work import Work, WorkSpec

_EXPORTS = {
    "annotating": ["AnnotationConfig"],
    "clips": ["ClipEntry", "read_clips"],
    "driver": ["DriverConfig", "ItemReport", "run_items"],
    "engines": ["EngineConfig", "make_workers"],
    "job": ["JobReport", "annotate"],
    "job_folder": ["JobFolder"],
    "progress": ["JobProgress"],
    "results": ["Annotation"],
    "sound_facts": ["SoundFacts", "clip_sound"],
    "work": ["Work", "WorkSpec"],
}

__all__ = [
    "Annotation",
    "AnnotationConfig",
    "ClipEntry",
    "DriverConfig",
    "EngineConfig",
    "ItemReport",
    "JobFolder",
    "JobProgress",
    "JobReport",
    "SoundFacts",
    "Work",
    "WorkSpec",
    "annotate",
    "clip_sound",
    "make_workers",
    "read_clips",
    "run_items",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
