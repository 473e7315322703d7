"""A simulated picture and what hits in it: for those who only look, at half the price of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.camera import camera_poses, intrinsics
from pavas_sdk.simulation.filmed_world import film_world
from pavas_sdk.simulation.scene import SceneConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import MaskTrack, Video
    from pavas_sdk.simulation.filmed_world import FilmedWorld

__all__ = ["PlacedContact", "SimulatedPicture", "simulate_picture"]

_NEAREST_M = 1e-3  # before the camera: what lies behind it is far outside the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedContact:
    """A contact that gives off energy, and where in the picture it is.

    Attributes:
        time_s: When, on the video's clock.
        object_id: Object whose kinetic energy changed most, or None: a body that is no object.
        energy_change_j: Of that body.
        mass_kg: Of that body.
        place: Shares of the picture's width and height; below 0 or above 1 outside of it.
    """

    time_s: float
    object_id: int | None
    energy_change_j: float
    mass_kg: float
    place: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedPicture:
    """A simulated clip without sound, and the truth about what is seen.

    Attributes:
        video: The frames.
        action: One of `ACTIONS`.
        contacts: Those that give off energy, in order of time.
        masks: Exact masks by object id.
        speeds_m_s: Speed of the centre of mass by object id, (S,), every ``step_s`` from 0 on.
        step_s: Time between speeds.
    """

    video: Video
    action: str
    contacts: tuple[PlacedContact, ...]
    masks: Mapping[int, MaskTrack]
    speeds_m_s: Mapping[int, NDArray[np.float64]]
    step_s: float

    def speeds_at(self, object_id: int, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an object's speed at ``times_s`` in m/s, (T,).

        Raises:
            KeyError: No such object.
        """
        speeds = self.speeds_m_s[object_id]
        steps = np.rint(times_s / self.step_s).astype(np.int64)
        return np.asarray(speeds[np.clip(steps, 0, speeds.size - 1)])


def simulate_picture(seed: int, config: SceneConfig | None = None) -> SimulatedPicture:
    """Simulate a clip's picture; it is that of `simulate`, to the bit.

    Args:
        seed: Any non-negative integer.
        config: How; by default 4 s of 128 x 128 at a drawn frame rate.
    """
    filmed = film_world(seed, config or SceneConfig())
    return SimulatedPicture(
        video=filmed.video,
        action=filmed.scene.action,
        contacts=_placed_contacts(filmed),
        masks=filmed.masks(),
        speeds_m_s={
            object_id: np.linalg.norm(filmed.motion.velocity_m_s[:, body], axis=1)
            for body, object_id in filmed.object_of_body.items()
        },
        step_s=filmed.motion.step_s,
    )


def _placed_contacts(filmed: FilmedWorld) -> tuple[PlacedContact, ...]:
    scene, objects = filmed.scene, filmed.object_of_body
    heard = [contact for contact in filmed.motion.collisions if contact.energy_change_j > 0]
    if not heard:
        return ()
    points = np.array([contact.point_m for contact in heard])
    times_s = np.array([contact.time_s for contact in heard])
    places = _places(filmed, points, times_s)
    return tuple(
        PlacedContact(
            time_s=float(contact.time_s),
            object_id=objects.get(contact.body),
            energy_change_j=float(contact.energy_change_j),
            mass_kg=float(scene.objects[contact.body].mass_kg),
            place=(float(across), float(down)),
        )
        for contact, (across, down) in zip(heard, places, strict=True)
    )


def _places(
    filmed: FilmedWorld, points_m: NDArray[np.float64], times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where points of the world are seen at some moments, as shares of width and height, (n, 2)."""
    scene, config = filmed.scene, filmed.scene.config
    matrix = intrinsics(scene.camera, config.height, config.width)
    poses = camera_poses(scene.camera, times_s)
    seen = np.einsum("nji,nj->ni", poses[:, :3, :3], points_m - poses[:, :3, 3])
    depth = np.maximum(seen[:, 2], _NEAREST_M)
    # the middle of pixel j is at j + 0.5 of the width
    across = (matrix[0, 0] * seen[:, 0] / depth + matrix[0, 2] + 0.5) / config.width
    down = (matrix[1, 1] * seen[:, 1] / depth + matrix[1, 2] + 0.5) / config.height
    return np.stack([across, down], axis=1)
