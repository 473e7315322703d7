"""A tiny world for the training: a square that lights up when it is heard."""

import numpy as np

from pavas_sdk.data import (
    Audio,
    Contact,
    Impact,
    LabelledClip,
    MaskTrack,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
    Video,
)
from pavas_sdk.media import MemorySource
from pavas_sdk.training import StoreConfig

DURATION_S = 1.28
CONFIG = StoreConfig(grey_size=64, duration_s=DURATION_S, max_objects=2, takes=2)


def toy_takes(seed: int) -> tuple[LabelledClip, ...]:
    """One object, one or two hits; the second take is eight times as heavy and 6 dB louder."""
    rng = np.random.default_rng(seed)
    times = np.arange(32) / 25
    hits = np.sort(rng.choice(np.arange(4, 28), size=2, replace=False)) / 25 + 0.01
    mass = float(np.exp(rng.uniform(-3, 1)))
    speed = np.full(31, float(rng.uniform(0.5, 3.0)))
    corner = rng.integers(0, 48, size=2)
    frames = np.full((32, 64, 64, 3), 60, dtype=np.uint8)
    masks = np.zeros((32, 64, 64), dtype=bool)
    masks[:, corner[0] : corner[0] + 16, corner[1] : corner[1] + 16] = True
    for hit in hits:
        frames[int(hit * 25) :, corner[0] : corner[0] + 16, corner[1] : corner[1] + 16] += 80
    source = MemorySource(Video(frames=frames, times_s=times))
    track = MaskTrack(object_id=3, masks=masks, times_s=times, scores=np.ones(32, dtype=np.float32))
    takes = []
    for factor in (1.0, 8.0):
        energy = 0.5 * mass * factor * speed[0] ** 2
        wave = 1e-4 * rng.normal(size=int(DURATION_S * 48000))
        for hit in hits:
            since = np.arange(wave.size) / 48000 - hit
            ring = np.sin(2 * np.pi * 700 * since) * np.exp(-40 * np.maximum(since, 0))
            wave += 0.03 * energy**0.36 * ring * (since >= 0)
        takes.append(
            LabelledClip(
                clip_id=seed,
                source=source,
                masks={3: track},
                action="drop" if seed % 2 else "strike",
                surface="wood",
                materials={3: "wood" if seed % 3 else "metal"},
                sizes_m={3: 0.1},
                audio=Audio(samples=wave, sample_rate_hz=48000),
                physics=PhysicsEstimate(
                    objects=(
                        ObjectPhysics(
                            object=MovingObject(object_id=3, label="square"),
                            mass_kg=mass * factor,
                            speed_times_s=times[:-1] + 0.02,
                            speed_m_s=speed,
                        ),
                    ),
                    duration_s=DURATION_S,
                    known_impacts=tuple(toy_impact(hit, speed[0]) for hit in hits),
                ),
                contacts=tuple(
                    Contact(time_s=float(hit), object_id=3, energy_change_j=energy) for hit in hits
                ),
                prompt="a wooden box" if factor == 1.0 else "",
            )
        )
    return tuple(takes)


def toy_impact(time_s: float, speed_m_s: float) -> Impact:
    """The square strikes with all its energy, and moves on as if nothing had been."""
    return Impact.from_json(
        {
            "object_id": 3,
            "time_s": float(time_s),
            "speed_before_m_s": float(speed_m_s),
            "speed_after_m_s": 0.0,
        }
    )
