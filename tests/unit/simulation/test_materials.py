from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.simulation.materials import MATERIALS, SURFACES, friction, restitution
from pavas_sdk.simulation.textures import texture


@pytest.mark.parametrize("a", MATERIALS.values(), ids=MATERIALS)
@pytest.mark.parametrize("b", [*MATERIALS.values(), *SURFACES.values()], ids=lambda b: b.name)
def test_pair_values_are_physical_and_symmetric(a, b):
    assert 0.0 < restitution(a, b) < 1.0
    assert restitution(a, b) == restitution(b, a)
    assert 0.0 < friction(a, b) < 1.0


def test_colours_of_materials_overlap():
    """No material has a colour of its own, so that colour does not give the density away."""
    owners: dict[tuple[float, float, float], set[str]] = {}
    for material in MATERIALS.values():
        for colour in material.colours:
            owners.setdefault(colour, set()).add(material.name)
    for material in MATERIALS.values():
        shared = [c for c in material.colours if len(owners[c]) > 1]
        assert len(shared) >= 2, material.name


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_every_surface_has_a_texture(surface):
    tile = texture(surface.texture, np.random.default_rng(1))
    assert tile.shape[0] == tile.shape[1]
    assert tile.shape[0] & (tile.shape[0] - 1) == 0, "the renderer wraps by bit masks"
    assert (tile > 0).all()
    assert tile.mean() == pytest.approx(1.0, abs=1e-3)
    assert tile.std() > 0.01
