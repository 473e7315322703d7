"""The motion analysis that the detector, the segmenter and the reconstructor share."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_tiny.camera_motion import CameraMotion, estimate_camera_motion
from pavas_tiny.canvas import Canvas, build_canvas
from pavas_tiny.foreground import Foreground, find_foreground
from pavas_tiny.impact_envelope import Envelope, measure_envelope
from pavas_tiny.learned_impacts import ImpactCurve, read_impact_curve
from pavas_tiny.selection import Mover, select_movers
from pavas_tiny.tracking import follow, measure_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource

__all__ = ["MotionAnalysis", "analyse", "analyse_frames"]

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
        curve: How likely something hits.
    """

    times_s: NDArray[np.float64]
    size: tuple[int, int]
    camera: CameraMotion
    movers: tuple[Mover, ...]
    envelope: Envelope
    curve: ImpactCurve


def analyse_frames(
    frames: NDArray[np.uint8],
    times_s: NDArray[np.float64],
    *,
    max_objects: int = 4,
    time_scale: float = 1.0,
) -> MotionAnalysis:
    """Find and follow what moves.

    Args:
        frames: uint8, (T, H, W, 3), at most about 160 pixels a side.
        times_s: (T,) seconds.
        max_objects: Keep the best ones.
        time_scale: Slow-motion factor.
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
        curve=read_impact_curve(frames, np.asarray(times_s), time_scale=time_scale),
    )


class _Cache:
    """The last analyses by source object: detector, segmenter and reconstructor share the work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[
            tuple[int, int, int], tuple[weakref.ref[FrameSource], MotionAnalysis]
        ] = OrderedDict()

    def get(self, source: FrameSource, max_side: int, max_objects: int) -> MotionAnalysis:
        key = (id(source), max_side, max_objects)
        with self._lock:
            entry = self._kept.get(key)
            if entry is not None and entry[0]() is source:
                return entry[1]
        video = source.read(max_side=max_side)
        analysis = analyse_frames(
            video.frames, video.times_s, max_objects=max_objects, time_scale=source.time_scale
        )
        with self._lock:
            self._kept[key] = (weakref.ref(source), analysis)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return analysis


_CACHE = _Cache()


def analyse(source: FrameSource, *, max_side: int = 160, max_objects: int = 4) -> MotionAnalysis:
    """Analyse a clip, or return the kept analysis of this very source object.

    Args:
        source: The clip.
        max_side: Longer side in pixels at which it is analysed.
        max_objects: Keep the best ones.
    """
    return _CACHE.get(source, max_side, max_objects)
