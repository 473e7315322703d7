"""A frame source seen whole or in part: windows, views, and what it knows beside its frames."""

from __future__ import annotations

from pavas_sdk.data.frames.facts import SourceFacts, facts_of, fingerprint
from pavas_sdk.data.frames.observed import DistinctSource, FrameSurvey, survey_frames
from pavas_sdk.data.frames.reference_clock import FRAME_SAMPLING, ReferenceClockSource
from pavas_sdk.data.frames.views import BoundedSource, SourceView, WindowSource, bounded
from pavas_sdk.data.frames.windows import Window, plan_windows

__all__ = [
    "FRAME_SAMPLING",
    "BoundedSource",
    "DistinctSource",
    "FrameSurvey",
    "ReferenceClockSource",
    "SourceFacts",
    "SourceView",
    "Window",
    "WindowSource",
    "bounded",
    "facts_of",
    "fingerprint",
    "plan_windows",
    "survey_frames",
]
