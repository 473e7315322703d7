"""One simulated clip: picture, sound and truth, and the world it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import (
    Audio,
    ComponentRef,
    Contact,
    Impact,
    LabelledClip,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
    Reconstruction,
    Trajectory,
)
from pavas_sdk.media import MemorySource
from pavas_sdk.simulation.camera import camera_poses, intrinsics
from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.filmed_world import film_world, moving_bodies
from pavas_sdk.simulation.render import capture_times, point_maps
from pavas_sdk.simulation.scene import SceneConfig
from pavas_sdk.simulation.sound import render_sound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pavas_sdk.simulation.collisions import Collision
    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene

__all__ = [
    "Simulation",
    "simulate",
    "true_contacts",
    "true_impacts",
    "true_physics",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulation:
    """A simulated clip and the world it shows.

    Object ids number the bodies that really move, in the order of `Scene.objects`, and where the
    scene says so (`Scene.resting_objects`) also those that lie still all the time; arms, struck
    blocks and floors are no objects.

    Attributes:
        clip: The clip with its truth: exact masks (bool at each pixel's middle at the frame's
            time), speeds after Eq. 3 from the true centroids, and a sound whose level is physics,
            one fixed gain for all clips.
        scene: The world it shows.
        motion: States of all bodies at every physics step, and their collisions.
        times_s: (T,), frame times.
        capture_times_s: (T,), when what each frame shows was taken: frames may be shown twice.
    """

    clip: LabelledClip
    scene: Scene
    motion: Motion
    times_s: NDArray[np.float64]
    capture_times_s: NDArray[np.float64]

    @property
    def object_of_body(self) -> dict[int, int]:
        """Object id by index of the body, for the bodies that move."""
        return _object_of_body(self.scene, self.motion)

    @property
    def camera_to_world(self) -> NDArray[np.float64]:
        """True poses, (T, 4, 4); camera axes x right, y down, z forward."""
        return camera_poses(self.scene.camera, self.capture_times_s)

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """True pixel matrices, (T, 3, 3); pixel (row i, column j) has its middle at (j, i)."""
        config = self.scene.config
        one = intrinsics(self.scene.camera, config.height, config.width)
        return np.repeat(one[None], self.times_s.size, axis=0)

    def trajectory(self, object_id: int) -> Trajectory:
        """True centres of mass at the frame times.

        Raises:
            KeyError: No such object.
        """
        body = self._body(object_id)
        position, _ = self.motion.at(self.times_s)
        counts = self.clip.masks[object_id].masks.sum(axis=(1, 2))
        return Trajectory(
            object_id=object_id,
            times_s=self.times_s,
            centroids_m=position[:, body],
            point_counts=counts.astype(np.int64),
        )

    def velocities_m_s(self, object_id: int) -> NDArray[np.float64]:
        """True velocities of the centre of mass at the frame times, (T, 3).

        Raises:
            KeyError: No such object.
        """
        steps = np.rint(self.times_s / self.motion.step_s).astype(np.int64)
        return np.asarray(self.motion.velocity_m_s[steps, self._body(object_id)])

    def reconstruction(self, times_s: NDArray[np.float64] | None = None) -> Reconstruction:
        """True point maps and poses, computed now (12 bytes per pixel and frame).

        Args:
            times_s: Which moments; by default all frames.
        """
        times = self.capture_times_s if times_s is None else np.asarray(times_s, np.float64)
        points = point_maps(self.scene, self.motion, times)
        seen = np.isfinite(points).all(axis=-1)
        one = intrinsics(self.scene.camera, self.scene.config.height, self.scene.config.width)
        return Reconstruction(
            points_m=points,
            confidence=np.asarray(seen, dtype=np.float32),
            camera_to_world=camera_poses(self.scene.camera, times),
            intrinsics=np.repeat(one[None], times.size, axis=0),
            times_s=times,
            scale_source="simulation",
        )

    def _body(self, object_id: int) -> int:
        for body, known in self.object_of_body.items():
            if known == object_id:
                return body
        raise KeyError(object_id)


def _object_of_body(scene: Scene, motion: Motion) -> dict[int, int]:
    return {body: object_id for object_id, body in enumerate(moving_bodies(scene, motion))}


def _reference() -> ComponentRef:
    try:
        number = version("pavas-sdk")
    except PackageNotFoundError:
        number = ""
    return ComponentRef(
        kind="simulation",
        name="simulation",
        distribution="pavas-sdk",
        version=number,
        licence="Apache-2.0",
    )


def true_physics(
    scene: Scene,
    motion: Motion,
    times_s: NDArray[np.float64],
    *,
    contacts: Iterable[Collision] | None = None,
    edits: tuple[str, ...] = (),
) -> PhysicsEstimate:
    """True masses and impacts, and speeds after Eq. 3 from true centres at the frame times.

    Args:
        scene: The world.
        motion: How it moved.
        times_s: Frame times, seconds.
        contacts: What is heard; by default the contacts of ``motion``.
        edits: What was changed in them, in words.
    """
    position, _ = motion.at(times_s)
    entries = []
    for object_id, body in enumerate(moving_bodies(scene, motion)):
        item = scene.objects[body]
        path = Trajectory(
            object_id=object_id,
            times_s=times_s,
            centroids_m=position[:, body],
            point_counts=np.ones(len(times_s), dtype=np.int64),
        )
        entries.append(
            ObjectPhysics(
                object=MovingObject(object_id=object_id, label=item.label, action=scene.action),
                mass_kg=item.mass_kg,
                mass_log_std=0.0,
                speed_times_s=path.speed_times_s,
                speed_m_s=path.speed_m_s(),
                velocity_m_s=path.velocity_m_s(),
                sources={"mass": "simulation", "speed": "simulation"},
            )
        )
    reference = _reference()
    slots = ("moving_object_detector", "mass_estimator", "velocity_estimator")
    return PhysicsEstimate(
        objects=tuple(entries),
        duration_s=scene.config.duration_s,
        provenance=dict.fromkeys(slots, reference),
        known_impacts=true_impacts(scene, motion, contacts=contacts),
        edits=edits,
    )


def true_impacts(
    scene: Scene, motion: Motion, *, contacts: Iterable[Collision] | None = None
) -> tuple[Impact, ...]:
    """Return one impact per audible contact, of the object whose kinetic energy changed most.

    Where that body is no object (a thing that hardly moved), the other one has the impact. Speeds
    are those of the centre of mass just before and just after.

    Args:
        scene: The world.
        motion: How it moved.
        contacts: What is heard; by default the contacts of ``motion``.
    """
    object_of_body = _object_of_body(scene, motion)
    impacts = []
    for contact in motion.collisions if contacts is None else contacts:
        own = contact.body in object_of_body
        object_id = object_of_body.get(contact.body if own else contact.other)
        if object_id is None or contact.energy_change_j < AUDIBLE_J:
            continue
        impacts.append(
            Impact(
                object_id=object_id,
                time_s=contact.time_s,
                speed_before_m_s=contact.speed_before_m_s if own else float("nan"),
                speed_after_m_s=contact.speed_after_m_s if own else float("nan"),
                velocity_change_m_s=contact.impulse_n_s / scene.objects[contact.body].mass_kg,
                energy_before_j=float("nan"),
                energy_after_j=float("nan"),
                stated_energy_j=contact.energy_change_j,
            )
        )
    return tuple(impacts)


def true_contacts(
    scene: Scene, motion: Motion, *, contacts: Iterable[Collision] | None = None
) -> tuple[Contact, ...]:
    """Return all collisions as contacts; of bodies that are no objects, without an object id.

    Args:
        scene: The world.
        motion: How it moved.
        contacts: What is heard; by default the contacts of ``motion``.
    """
    object_of_body = _object_of_body(scene, motion)
    return tuple(
        Contact(
            time_s=collision.time_s,
            object_id=object_of_body.get(collision.body),
            energy_change_j=collision.energy_change_j,
        )
        for collision in (motion.collisions if contacts is None else contacts)
    )


def simulate(seed: int, config: SceneConfig | None = None) -> Simulation:
    """Simulates one clip; the same seed and configuration give the same bits.

    Args:
        seed: Any non-negative integer; becomes the clip's id.
        config: How; by default 4 s of 128 x 128 at a drawn frame rate, with sound at 48 kHz.
    """
    config = config or SceneConfig()
    filmed = film_world(seed, config)
    scene, motion, times = filmed.scene, filmed.motion, filmed.video.times_s
    bodies = {i: scene.objects[body] for body, i in filmed.object_of_body.items()}
    clip = LabelledClip(
        clip_id=seed,
        source=MemorySource(filmed.video),
        audio=Audio(samples=render_sound(scene, motion), sample_rate_hz=config.sample_rate_hz),
        physics=true_physics(scene, motion, times),
        masks=filmed.masks(),
        contacts=true_contacts(scene, motion),
        prompt=scene.prompt,
        action=scene.action,
        surface=scene.room.floor,
        materials={object_id: body.material for object_id, body in bodies.items()},
        sizes_m={object_id: body.size_m for object_id, body in bodies.items()},
    )
    return Simulation(
        clip=clip,
        scene=scene,
        motion=motion,
        times_s=times,
        capture_times_s=capture_times(scene),
    )
