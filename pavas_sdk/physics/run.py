"""A clip through the slots: window by window, in a size that fits into memory, put together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pavas_sdk.data import PhysicsEstimate, estimate_impacts
from pavas_sdk.data.frames import (
    DistinctSource,
    Window,
    WindowSource,
    bounded,
    plan_windows,
    survey_frames,
)
from pavas_sdk.data.memory import give_back_freed_memory
from pavas_sdk.errors import ComponentError
from pavas_sdk.physics.joining import ClipJoiner, bordered, compact_track, continue_track
from pavas_sdk.physics.slot_runner import SlotRunner, WindowEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject, Reconstruction
    from pavas_sdk.physics.estimator_config import PhysicsEstimatorConfig
    from pavas_sdk.physics.slots import Slots

__all__ = ["ClipRun", "PhysicsResult", "objects_in_window"]

_SAME_WINDOW_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhysicsResult:
    """An estimate with its masks.

    Attributes:
        physics: Small JSON: objects, masses, speeds, provenance.
        masks: Masks by object id, small (see `PhysicsEstimatorConfig`). Times are on the clip's
            clock; outside a track's times the object is absent.
        reconstruction: The points, when the clip was short enough for one window and nothing came
            from the cache; else None.
        from_cache: Whether the estimate was made earlier.
    """

    physics: PhysicsEstimate
    masks: Mapping[int, MaskTrack] = field(default_factory=dict)
    reconstruction: Reconstruction | None = None
    from_cache: bool = False


class ClipRun:
    """One pass of the slots over a clip.

    Args:
        slots: The components.
        config: Settings of the estimator.
        source: The clip.
    """

    def __init__(self, slots: Slots, config: PhysicsEstimatorConfig, source: FrameSource) -> None:
        self._slots = slots
        self._config = config
        limited, too_large = bounded(source, config.max_side)
        survey = survey_frames(limited)
        self._source = DistinctSource(limited, survey) if survey.repeated.any() else limited
        self._notes: list[str] = [*([] if too_large is None else [too_large]), *survey.notes()]
        self._windows = self._planned(survey.cuts_s)
        self._runner = SlotRunner(
            slots,
            timeout_s=config.timeout_s,
            keep_going=config.on_error == "partial",
            max_objects=config.max_objects,
        )

    def _planned(self, cuts_s: Sequence[float]) -> tuple[Window, ...]:
        """Return windows that cover the clip scene by scene."""
        config, windows = self._config, list[Window]()
        edges = [0.0, *cuts_s, self._source.duration_s]
        for start_s, end_s in pairwise(edges):
            scene = plan_windows(
                end_s - start_s, window_s=config.window_s, overlap_s=config.overlap_s
            )
            windows += [
                Window(start_s=start_s + one.start_s, end_s=start_s + one.end_s) for one in scene
            ]
        return tuple(windows)

    @property
    def is_complete(self) -> bool:
        """Whether every slot answered so far."""
        return not self._runner.failed

    def estimate(self, prompt: str, rng: np.random.Generator) -> PhysicsResult:
        """Return the physics of the clip.

        Raises:
            ComponentError: A slot failed and ``on_error`` is "raise"; ``.partial`` holds what was
                known by then.
        """
        joiner = ClipJoiner(self._source.duration_s)
        found = WindowEstimate()
        for window, part in self._parts():
            found = WindowEstimate()
            try:
                self._runner.run(part, prompt=prompt, rng=rng, into=found)
            except ComponentError as err:
                self._add(joiner, window, found)
                self._notes.append(str(err))
                err.partial = self._result(joiner, found.reconstruction)
                raise
            self._add(joiner, window, found)
            if self._is_parted:
                found.reconstruction = None  # the next window needs the room
                give_back_freed_memory()
        return self._result(joiner, found.reconstruction)

    def segment(
        self, physics: PhysicsEstimate, rng: np.random.Generator
    ) -> tuple[dict[int, MaskTrack], tuple[str, ...]]:
        """Return masks of the objects of a given estimate; see `PhysicsEstimator.segment`."""
        tracks: dict[int, MaskTrack] = {}
        earlier_end_s = 0.0
        try:
            for window, part in self._parts():
                seam_s = 0.5 * (window.start_s + earlier_end_s)
                earlier_end_s = window.end_s
                asked = objects_in_window(physics, window.start_s)
                if not asked:
                    continue
                things = [thing for thing, _ in asked.values()]
                for window_id, track in self._runner.segment(part, things, rng).items():
                    object_id = asked[window_id][1]
                    small = replace(self._compact(track), object_id=object_id)
                    if window.start_s:
                        small = replace(small, times_s=small.times_s + window.start_s)
                    tracks[object_id] = continue_track(tracks.get(object_id), small, seam_s)
        except ComponentError as err:
            return {}, (f"no masks, objects are conditioned on without them: {err}",)
        duration_s = self._source.duration_s
        tracks = {i: bordered(track, duration_s) for i, track in sorted(tracks.items())}
        return tracks, tuple(
            f"object {entry.object_id} ({entry.object.short_label}) was not found in the picture"
            for entry in physics
            if entry.object_id not in tracks
        )

    @property
    def _is_parted(self) -> bool:
        return len(self._windows) > 1

    @property
    def _is_long(self) -> bool:
        """Whether it would need several windows without cuts; long clips have smaller masks."""
        duration_s, config = self._source.duration_s, self._config
        planned = plan_windows(duration_s, window_s=config.window_s, overlap_s=config.overlap_s)
        return len(planned) > 1

    def _parts(self) -> Iterator[tuple[Window, FrameSource]]:
        for window in self._windows:
            yield window, WindowSource(self._source, window) if self._is_parted else self._source

    def _compact(self, track: MaskTrack) -> MaskTrack:
        config = self._config
        return compact_track(
            track,
            max_side=config.long_mask_max_side if self._is_long else config.mask_max_side,
            max_rate_hz=config.long_mask_rate_hz if self._is_long else None,
        )

    def _add(self, joiner: ClipJoiner, window: Window, found: WindowEstimate) -> None:
        tracks = {object_id: self._compact(track) for object_id, track in found.masks.items()}
        joiner.add(window.start_s, window.end_s, found.physics(), tracks, found.impacts())
        self._notes += found.notes

    def _result(self, joiner: ClipJoiner, points: Reconstruction | None) -> PhysicsResult:
        objects, seen = joiner.objects(), joiner.impacts()
        duration_s, time_scale = self._source.duration_s, self._source.time_scale
        impacts = None  # those of the speeds, found when somebody asks
        if seen:
            impacts = estimate_impacts.joined(
                objects, seen, duration_s=duration_s, time_scale=time_scale
            )
        physics = PhysicsEstimate(
            objects=objects,
            duration_s=duration_s,
            provenance=dict(self._slots.refs),
            time_scale=time_scale,
            known_impacts=impacts,
            notes=tuple(dict.fromkeys(self._notes)),
        )
        return PhysicsResult(physics=physics, masks=joiner.tracks(), reconstruction=points)


def objects_in_window(
    physics: PhysicsEstimate, start_s: float
) -> dict[int, tuple[MovingObject, int]]:
    """Return what the segmenter is to look for in a window, and the clip's id of each, by its id.

    Objects with sightings are asked about as they were found, in the windows where they were found:
    then the masks are those of the estimate. The others are asked about in every window.

    Args:
        physics: An estimate of the clip.
        start_s: Where the window begins.
    """
    asked: dict[int, tuple[MovingObject, int]] = {}
    others: list[MovingObject] = []
    for entry in physics:
        for one in entry.sightings:
            if abs(one.from_s - start_s) < _SAME_WINDOW_S:
                asked[one.object.object_id] = (one.object, entry.object_id)
        if not entry.sightings:
            others.append(entry.object)
    for thing in others:
        own = thing.object_id
        free = own if own not in asked else max(asked) + 1
        time_s = None if thing.box_time_s is None else thing.box_time_s - start_s
        asked[free] = (replace(thing, object_id=free, box_time_s=time_s), own)
    return asked
