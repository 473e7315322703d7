"""One window through the five slots, each answer checked, a failure kept or raised."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pavas_sdk.data import ObjectPhysics, background_motion_m_s
from pavas_sdk.data.frames import WindowSource
from pavas_sdk.errors import ComponentFailedError, ContractError
from pavas_sdk.interfaces.validation import (
    check_masks,
    check_masses,
    check_objects,
    check_reconstruction,
    check_trajectories,
)
from pavas_sdk.physics.largest_objects import largest_by_box, largest_by_mask
from pavas_sdk.physics.unchanged import read_only, unchanged
from pavas_sdk.registry.calls import call_component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import (
        ComponentRef,
        FrameSource,
        Impact,
        MaskTrack,
        MassEstimate,
        MovingObject,
        Reconstruction,
        Trajectory,
    )
    from pavas_sdk.physics.slots import Slots

__all__ = ["SlotRunner", "WindowEstimate"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class WindowEstimate:
    """What the slots answered for one window.

    Attributes:
        objects: The moving objects.
        masks: Masks by id.
        reconstruction: The points, or None.
        trajectories: Paths by id.
        masses: Masses by id.
        notes: Slots that failed, objects that were not found.
    """

    objects: tuple[MovingObject, ...] = ()
    masks: Mapping[int, MaskTrack] = field(default_factory=dict)
    reconstruction: Reconstruction | None = None
    trajectories: Mapping[int, Trajectory] = field(default_factory=dict)
    masses: Mapping[int, MassEstimate] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def physics(self) -> tuple[ObjectPhysics, ...]:
        """Return one entry per object, with everything that is known."""
        points = self.reconstruction
        noise = None if points is None else points.background_motion_m_s
        return tuple(self._entry(thing, noise) for thing in self.objects)

    def impacts(self) -> dict[int, tuple[Impact, ...]]:
        """Return the impacts of the objects whose estimator knows them, by id."""
        return {
            object_id: path.impacts
            for object_id, path in self.trajectories.items()
            if path.impacts is not None
        }

    def _entry(self, thing: MovingObject, noise: NDArray[np.float64] | None) -> ObjectPhysics:
        mass = self.masses.get(thing.object_id)
        path = self.trajectories.get(thing.object_id)
        sources: dict[str, str] = {}
        if mass is not None and mass.source:
            sources["mass"] = mass.source
        points = self.reconstruction
        empty = np.zeros(0)
        speed_std: NDArray[np.float64] | None = None
        if path is not None and points is not None:
            rung = points.object_scale_source.get(thing.object_id, points.scale_source)
            if rung:
                sources["scale"] = rung
            speed_std = _speed_std(path, points, noise)
        return ObjectPhysics(
            object=thing,
            mass_kg=None if mass is None else mass.mass_kg,
            mass_log_std=None if mass is None else mass.log_std,
            speed_times_s=empty if path is None else path.speed_times_s,
            speed_m_s=empty if path is None else path.speed_m_s(),
            speed_std_m_s=speed_std,
            velocity_m_s=None if path is None else path.velocity_m_s(),
            sources=sources,
        )


def _speed_std(
    path: Trajectory, points: Reconstruction, noise: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Scale uncertainty (a share of the speed) and what the background seems to move."""
    speed = path.speed_m_s()
    share = 0.0 if points.scale_log_std is None else points.scale_log_std
    shake = np.zeros_like(speed)
    if noise is not None and noise.shape == speed.shape:
        shake = np.nan_to_num(noise)
    return np.asarray(np.hypot(share * speed, shake))


class SlotRunner:
    """Runs the slots over one window after another.

    Args:
        slots: The components.
        timeout_s: Seconds that each call may go without a sign of life, None for no limit.
        keep_going: Note a failed slot and go on, instead of raising.
        max_objects: The largest so many objects are kept.
    """

    def __init__(
        self, slots: Slots, *, timeout_s: float | None, keep_going: bool, max_objects: int
    ) -> None:
        self._slots = slots
        self._max_objects = max_objects
        self._timeout_s = timeout_s
        self._keep_going = keep_going
        self.failed: list[str] = []
        """Slots that failed so far."""

    def run(
        self, video: FrameSource, *, prompt: str, rng: np.random.Generator, into: WindowEstimate
    ) -> None:
        """Fill ``into`` slot by slot, so that it holds the partial estimate if one fails.

        Raises:
            ComponentFailedError: A slot failed and ``keep_going`` is off.
            ContractError: A slot's answer breaks its interface and ``keep_going`` is off.
        """
        found = self._try("moving_object_detector", lambda: self._detect(video, prompt, rng), into)
        into.objects, note = largest_by_box(found or (), self._max_objects)
        into.notes += [] if note is None else [note]
        if not into.objects:
            return
        objects = into.objects
        into.masks = self._try("segmenter", lambda: self._segment(video, objects, rng), into) or {}
        into.objects, note = largest_by_mask(into.objects, into.masks, self._max_objects)
        into.notes += [] if note is None else [note]
        kept = {entry.object_id for entry in into.objects}
        into.masks = {key: track for key, track in into.masks.items() if key in kept}
        if into.masks:
            into.notes += [
                f"object {entry.object_id} ({entry.short_label}) was not localised"
                for entry in into.objects
                if entry.object_id not in into.masks
            ]
            into.reconstruction = self._try(
                "reconstructor", lambda: self._reconstruct(video, into, rng), into
            )
        points = into.reconstruction
        if points is not None:
            # Times in a note are those of the window.
            where = (
                f"from {video.window.start_s:g} s on: " if isinstance(video, WindowSource) else ""
            )
            into.notes.extend(where + note for note in points.notes)
            into.trajectories = (
                self._try(
                    "velocity_estimator", lambda: self._follow(video, into, points, rng), into
                )
                or {}
            )
        into.masses = self._try("mass_estimator", lambda: self._weigh(video, into, rng), into) or {}

    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        """Return the masks of known objects in one window.

        Raises:
            ComponentFailedError: The segmenter failed, whatever ``keep_going`` says.
            ContractError: Its answer breaks its interface.
        """
        return call_component(
            self._slots.refs["segmenter"],
            lambda: self._segment(video, objects, rng),
            timeout_s=self._timeout_s,
        )

    def _detect(
        self, video: FrameSource, prompt: str, rng: np.random.Generator
    ) -> tuple[MovingObject, ...]:
        answer = self._slots.moving_object_detector.detect(video, prompt=prompt, rng=rng)
        return tuple(check_objects(answer, who=self._who("moving_object_detector")))

    def _segment(
        self, video: FrameSource, objects: Sequence[MovingObject], rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        return check_masks(
            self._slots.segmenter.segment(video, objects, rng=rng),
            _ids(objects),
            duration_s=video.duration_s,
            size=(video.height, video.width),
            who=self._who("segmenter"),
        )

    def _reconstruct(
        self, video: FrameSource, window: WindowEstimate, rng: np.random.Generator
    ) -> Reconstruction:
        answer = self._slots.reconstructor.reconstruct(
            video, objects=window.objects, masks=read_only(window.masks), rng=rng
        )
        points = check_reconstruction(
            answer,
            masks=window.masks,
            duration_s=video.duration_s,
            who=self._who("reconstructor"),
        )
        if points.background_motion_m_s is not None:
            return points
        motion = background_motion_m_s(window.masks, points, time_scale=video.time_scale)
        return replace(points, background_motion_m_s=motion)

    def _follow(
        self,
        video: FrameSource,
        window: WindowEstimate,
        points: Reconstruction,
        rng: np.random.Generator,
    ) -> Mapping[int, Trajectory]:
        answer = self._slots.velocity_estimator.estimate_velocity(
            window.objects, read_only(window.masks), points, time_scale=video.time_scale, rng=rng
        )
        return check_trajectories(
            answer,
            _ids(window.objects),
            duration_s=video.duration_s,
            time_scale=video.time_scale,
            who=self._who("velocity_estimator"),
        )

    def _weigh(
        self, video: FrameSource, window: WindowEstimate, rng: np.random.Generator
    ) -> Mapping[int, MassEstimate]:
        answer = self._slots.mass_estimator.estimate_mass(
            video,
            window.objects,
            masks=read_only(window.masks) if window.masks else None,
            reconstruction=window.reconstruction,
            rng=rng,
        )
        return check_masses(answer, _ids(window.objects), who=self._who("mass_estimator"))

    def _who(self, slot: str) -> str:
        return f"{slot} {self._slots.refs[slot].qualified_name}"

    def _try(self, slot: str, step: Callable[[], T], into: WindowEstimate) -> T | None:
        ref: ComponentRef = self._slots.refs[slot]
        try:
            with unchanged(into.objects, into.masks, who=self._who(slot)):
                return call_component(ref, step, timeout_s=self._timeout_s)
        except (ComponentFailedError, ContractError) as err:
            names = ", ".join(f"{o.object_id} ({o.short_label})" for o in into.objects)
            message = f"{err}" + (f"; objects in this window: {names}" if names else "")
            self.failed.append(slot)
            if not self._keep_going:
                error = type(err)(message)
                error.slot, error.component = slot, ref.qualified_name
                error.object_ids = tuple(_ids(into.objects))
                raise error from err
            into.notes.append(message)
            return None


def _ids(objects: Sequence[MovingObject]) -> list[int]:
    return [entry.object_id for entry in objects]
