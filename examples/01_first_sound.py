"""Your first sound: what moves in a clip, how heavy and fast it is, and how that sounds.

Prints what was seen; writes bouncing_ball.wav, .mp4, .pavas.json and .physics.json to ``out/``.
"""

from __future__ import annotations

from pathlib import Path

import torch

from pavas_sdk import PavasPipeline

CLIP = Path(__file__).parent / "clips" / "bouncing_ball.mp4"


def main(model: str = "pavas-tiny", folder: str = "out") -> None:
    """Generate, say what was seen, and write everything."""
    pipe = PavasPipeline.from_pretrained(model)
    out = pipe(CLIP, prompt="rubber ball", generator=torch.Generator().manual_seed(0))

    print(out.physics)
    for impact in out.physics.impacts():
        print(f"  impact at {impact.time_s:.2f} s: {impact.energy_change_j:.2f} J")
    print(f"sound: {out.audio.duration_s:.2f} s, peak {out.audio.peak_dbfs:.1f} dBFS")

    target = Path(folder) / CLIP.name
    out.save(target.with_suffix(".wav"), overwrite=True)
    out.mux(target, overwrite=True)
    out.save_physics(target.with_suffix(".physics.json"), overwrite=True)
    print(f"written to {folder}/")


if __name__ == "__main__":
    main()
