"""The motion analysis that the detector, the segmenter and the reconstructor share."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from pavas_tiny.camera_motion import CameraMotion, estimate_camera_motion
from pavas_tiny.canvas import Canvas, build_canvas
from pavas_tiny.foreground import Foreground, find_foreground
from pavas_tiny.hitting import find_what_hits
from pavas_tiny.impact_envelope import Envelope, measure_envelope
from pavas_tiny.learned_impacts import ImpactCurve, read_impact_curve
from pavas_tiny.selection import Mover, select_movers
from pavas_tiny.tracking import follow, measure_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource

__all__ = ["MotionAnalysis", "analyse", "analyse_frames", "impact_curve"]

_KEPT = 2
_MISREGISTRATION_PX = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotionAnalysis:
    """What moves in a clip.

    Attributes:
        times_s: (T,) frame times.
        size: (height, width) of the analysed picture.
        camera: How the camera moves.
        movers: The objects, best first.
        envelope: How fast the fast part of the picture moves.
    """

    times_s: NDArray[np.float64]
    size: tuple[int, int]
    camera: CameraMotion
    movers: tuple[Mover, ...]
    envelope: Envelope


def analyse_frames(
    frames: NDArray[np.uint8],
    times_s: NDArray[np.float64],
    *,
    max_objects: int = 4,
) -> MotionAnalysis:
    """Find and follow what moves.

    Args:
        frames: uint8, (T, H, W, 3), at most about 160 pixels a side.
        times_s: (T,) seconds.
        max_objects: Keep the best ones.
    """
    count, height, width = frames.shape[:3]
    camera = estimate_camera_motion(frames)
    canvas: Canvas = build_canvas(frames, camera.matrix, moving=camera.moving)
    found: Foreground = find_foreground(
        canvas, misregistration_px=_MISREGISTRATION_PX if camera.moving else 0.0
    )
    movers: list[Mover] = []
    if found.count:
        parts = measure_parts(found, canvas.frames)
        tracks = follow(parts, count)
        movers = select_movers(
            tracks, parts, found.labels, canvas.offset, camera, (height, width), max_objects
        )
    return MotionAnalysis(
        times_s=np.asarray(times_s, dtype=np.float64),
        size=(height, width),
        camera=camera,
        movers=tuple(movers),
        envelope=measure_envelope(frames, times_s),
    )


_Found = TypeVar("_Found")


class _Kept(Generic[_Found]):
    """The last results by source object: several components share the work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, ...], tuple[weakref.ref[FrameSource], _Found]] = (
            OrderedDict()
        )

    def get(
        self, source: FrameSource, settings: tuple[int, ...], make: Callable[[], _Found]
    ) -> _Found:
        key = (id(source), *settings)
        with self._lock:
            entry = self._kept.get(key)
            if entry is not None and entry[0]() is source:
                return entry[1]
        found = make()
        with self._lock:
            self._kept[key] = (weakref.ref(source), found)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


_ANALYSES: _Kept[MotionAnalysis] = _Kept()
_CURVES: _Kept[ImpactCurve] = _Kept()


def analyse(source: FrameSource, *, max_side: int = 160, max_objects: int = 4) -> MotionAnalysis:
    """Analyse a clip, or return the kept analysis of this very source object.

    Args:
        source: The clip.
        max_side: Longer side in pixels at which it is analysed.
        max_objects: Keep the best ones.
    """

    def make() -> MotionAnalysis:
        video = source.read(max_side=max_side)
        # the network computes in torch, the analysis mostly in numpy: side by side they take less time
        with ThreadPoolExecutor(1) as beside:
            looking = beside.submit(impact_curve, source, max_side=max_side)
            found = analyse_frames(video.frames, video.times_s, max_objects=max_objects)
            curve = looking.result()
        if found.movers:
            return found
        hitting = find_what_hits(video.frames, found.times_s, curve, found.camera)
        return found if hitting is None else replace(found, movers=(hitting,))

    return _ANALYSES.get(source, (max_side, max_objects), make)


def impact_curve(source: FrameSource, *, max_side: int = 160) -> ImpactCurve:
    """Return how likely something hits in a clip, or what is kept of this very source object.

    Args:
        source: The clip.
        max_side: Longer side in pixels at which it is looked at.
    """

    def make() -> ImpactCurve:
        video = source.read(max_side=max_side)
        return read_impact_curve(video.frames, video.times_s, time_scale=source.time_scale)

    return _CURVES.get(source, (max_side,), make)
