"""Your own mass estimator in ten seconds: a function from an object to kilograms.

The function replaces one slot of the physics estimator; detection, masks, geometry and speed stay
as they are. For a component with settings that others can install, see the tutorial "a mass
estimator in ten minutes".
"""

from __future__ import annotations

from pathlib import Path

import torch

from pavas_sdk import MovingObject, PavasPipeline

CLIP = Path(__file__).parent / "clips" / "bouncing_ball.mp4"

CATALOGUE_KG = {"basketball": 0.62, "bowling ball": 6.4, "ball": 0.62}


def from_catalogue(thing: MovingObject) -> float | None:
    """Return the mass of a known thing; None means "I could not"."""
    return CATALOGUE_KG.get(thing.label.lower())


def main(model: str = "pavas-tiny", folder: str = "out") -> None:
    """Generate with masses from the catalogue."""
    pipe = PavasPipeline.from_pretrained(model, mass_estimator=from_catalogue)
    out = pipe(CLIP, generator=torch.Generator().manual_seed(0))
    print(out.physics)
    print("mass from:", out.physics.provenance["mass_estimator"].name)
    out.save(Path(folder) / "catalogue.wav", overwrite=True)


if __name__ == "__main__":
    main()
