"""A tiny world for the impact detector: one bright dot that jumps where and when it is heard."""

import numpy as np

from pavas_sdk.data import MaskTrack, Video
from pavas_sdk.simulation import PlacedContact, SceneConfig, SimulatedPicture
from pavas_sdk.training.impact_store import PictureConfig

SIZES = PictureConfig(duration_s=1.6, grey_size=64, grid=8, max_objects=2)
NETWORK = {"image_size": 64, "stem_dim": 8, "dim": 16, "dilations": (1, 2)}
FPS = 50.0


def toy_picture(seed: int, config: SceneConfig) -> SimulatedPicture:
    """One object: a dot of 5 px that blinks at its impact; a weak contact follows 0.4 s later."""
    rng = np.random.default_rng(seed)
    size, count = config.width, round(config.duration_s * FPS)
    times_s = np.arange(count) / FPS
    hit_s = float(rng.uniform(0.3, config.duration_s - 0.6))
    row, column = rng.integers(10, size - 10, 2)
    frames = np.full((count, size, size, 3), 40, dtype=np.uint8)
    masks = np.zeros((count, size, size), dtype=bool)
    masks[:, row - 2 : row + 3, column - 2 : column + 3] = True
    after = times_s >= hit_s
    frames[masks] = 90
    frames[after & (times_s < hit_s + 0.1)] += 100 * masks[0, :, :, None].astype(np.uint8)
    mass_kg, speed_m_s = 0.2, 3.0
    energy_j = 0.5 * mass_kg * speed_m_s**2
    place = ((column + 0.5) / size, (row + 0.5) / size)
    contacts = [(hit_s, energy_j), (hit_s + 0.4, 1e-6)]
    steps = np.arange(round(config.duration_s / 1e-3)) * 1e-3
    return SimulatedPicture(
        video=Video(frames=frames, times_s=times_s, end_s=config.duration_s),
        action="drop",
        contacts=tuple(
            PlacedContact(
                time_s=time_s, object_id=0, energy_change_j=energy, mass_kg=mass_kg, place=place
            )
            for time_s, energy in contacts
        ),
        masks={
            0: MaskTrack(
                object_id=0, masks=masks, times_s=times_s, scores=np.ones(count, dtype=np.float32)
            )
        },
        speeds_m_s={0: np.where(steps < hit_s, speed_m_s, 0.0)},
        step_s=1e-3,
    )
