"""What if it were heavier? The same clip and the same noise, with other masses and speeds.

Physics is estimated once; each edit changes the estimate and nothing else. Prints how the level
of the sound changes with the energy of the impacts, on the physical scale: by default every clip
has a gain of its own that makes it audible.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from pavas_sdk import Audio, PavasPipeline

CLIP = Path(__file__).parent / "clips" / "bouncing_ball.mp4"


def level_db(audio: Audio) -> float:
    """Return the level of the loudest tenth of a second, dB relative to full scale."""
    window = audio.sample_rate_hz // 10
    power = np.convolve(audio.mono.astype(float) ** 2, np.ones(window) / window, mode="valid")
    return 10.0 * math.log10(max(power.max(), 1e-12))


def main(model: str = "pavas-tiny", folder: str = "out") -> None:
    """Generate the clip with five masses and speeds."""
    pipe = PavasPipeline.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    physics, masks, _ = pipe.physics_and_masks(CLIP)
    print(physics)
    if not physics.objects:
        return
    ball = physics.objects[0]
    mass_kg = ball.mass_kg or 1.0
    edits = {
        "as seen": physics,
        "a quarter of the mass": physics.with_mass(ball.object_id, mass_kg / 4),
        "four times the mass": physics.with_mass(ball.object_id, mass_kg * 4),
        "half as fast": physics.scale_speed(ball.object_id, 0.5),
        "twice as fast": physics.scale_speed(ball.object_id, 2.0),
    }
    for name, edited in edits.items():
        noise = torch.Generator().manual_seed(0)
        out = pipe(CLIP, physics=edited, masks=masks, level="physical", generator=noise)
        energy = max((hit.energy_change_j for hit in edited.impacts()), default=float("nan"))
        print(f"{name:<22} {energy:8.2f} J   {level_db(out.audio):6.1f} dBFS")
        out.save(Path(folder) / f"what-if {name}.wav", overwrite=True)


if __name__ == "__main__":
    main()
