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
from pavas_sdk.physics.capping import largest_by_box, largest_by_mask
from pavas_sdk.registry.calls import call_component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import (
        ComponentRef,
        FrameSource,
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
    """Runs the slots over windows.

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
        slots = self._slots
        who = {slot: f"{slot} {ref.qualified_name}" for slot, ref in slots.refs.items()}

        def ids() -> list[int]:
            return [entry.object_id for entry in into.objects]

        def detect() -> tuple[MovingObject, ...]:
            answer = slots.moving_object_detector.detect(video, prompt=prompt, rng=rng)
            return tuple(check_objects(answer, who=who["moving_object_detector"]))

        def segment() -> Mapping[int, MaskTrack]:
            answer = slots.segmenter.segment(video, into.objects, rng=rng)
            size = (video.height, video.width)
            return check_masks(
                answer, ids(), duration_s=video.duration_s, size=size, who=who["segmenter"]
            )

        def reconstruct() -> Reconstruction:
            answer = slots.reconstructor.reconstruct(
                video, objects=into.objects, masks=into.masks, rng=rng
            )
            points = check_reconstruction(
                answer, masks=into.masks, duration_s=video.duration_s, who=who["reconstructor"]
            )
            if points.background_motion_m_s is not None:
                return points
            motion = background_motion_m_s(into.masks, points, time_scale=video.time_scale)
            return replace(points, background_motion_m_s=motion)

        def weigh() -> Mapping[int, MassEstimate]:
            answer = slots.mass_estimator.estimate_mass(
                video,
                into.objects,
                masks=into.masks or None,
                reconstruction=into.reconstruction,
                rng=rng,
            )
            return check_masses(answer, ids(), who=who["mass_estimator"])

        into.objects = self._try("moving_object_detector", detect, into) or ()
        into.objects, note = largest_by_box(into.objects, self._max_objects)
        into.notes += [] if note is None else [note]
        if not into.objects:
            return
        into.masks = self._try("segmenter", segment, into) or {}
        into.objects, note = largest_by_mask(into.objects, into.masks, self._max_objects)
        into.notes += [] if note is None else [note]
        kept = set(ids())
        into.masks = {key: track for key, track in into.masks.items() if key in kept}
        if into.masks:
            self._note_missing(into)
            into.reconstruction = self._try("reconstructor", reconstruct, into)
        if into.reconstruction is not None:
            # Times in a note are those of the window.
            where = (
                f"from {video.window.start_s:g} s on: " if isinstance(video, WindowSource) else ""
            )
            into.notes.extend(where + note for note in into.reconstruction.notes)
            self._follow(video, rng, into.reconstruction, into)
        into.masses = self._try("mass_estimator", weigh, into) or {}

    def _follow(
        self,
        video: FrameSource,
        rng: np.random.Generator,
        points: Reconstruction,
        into: WindowEstimate,
    ) -> None:
        def follow() -> Mapping[int, Trajectory]:
            answer = self._slots.velocity_estimator.estimate_velocity(
                into.objects, into.masks, points, time_scale=video.time_scale, rng=rng
            )
            return check_trajectories(
                answer,
                [entry.object_id for entry in into.objects],
                duration_s=video.duration_s,
                time_scale=video.time_scale,
                who=f"velocity_estimator {self._slots.refs['velocity_estimator'].qualified_name}",
            )

        into.trajectories = self._try("velocity_estimator", follow, into) or {}

    def _try(self, slot: str, step: Callable[[], T], into: WindowEstimate) -> T | None:
        ref: ComponentRef = self._slots.refs[slot]
        try:
            return call_component(ref, step, timeout_s=self._timeout_s)
        except (ComponentFailedError, ContractError) as err:
            names = ", ".join(f"{o.object_id} ({o.label})" for o in into.objects)
            message = f"{err}" + (f"; objects in this window: {names}" if names else "")
            self.failed.append(slot)
            if not self._keep_going:
                error = type(err)(message)
                error.slot, error.component = slot, ref.qualified_name
                error.object_ids = tuple(entry.object_id for entry in into.objects)
                raise error from err
            into.notes.append(message)
            return None

    def _note_missing(self, into: WindowEstimate) -> None:
        for thing in into.objects:
            if thing.object_id not in into.masks:
                into.notes.append(f"object {thing.object_id} ({thing.label}) was not localised")
