"""Small real objects for the adapter's tests."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch
from pavas_phy_adapter import PhyAdapter

from pavas_sdk.models import MMAudioTransformer

PATCH_DIM = 6


@dataclass
class Inputs:
    """Inputs of `PhyAdapter.encode`, three clips: full, padded with two gaps, empty."""

    patch_features: torch.Tensor
    masks: torch.Tensor
    mass_kg: torch.Tensor
    speed_m_s: torch.Tensor
    valid: torch.Tensor
    impact_energy_j: torch.Tensor

    def encode(self, adapter):
        return adapter.encode(*self.all())

    def all(self):
        """What `encode` takes, in its order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def row(self, index):
        return Inputs(*(tensor[index : index + 1] for tensor in self.all()))


@pytest.fixture
def inputs() -> Inputs:
    rng = np.random.default_rng(7)
    masks = rng.uniform(0.0, 1.0, (3, 3, 5, 4, 4)) * (rng.uniform(size=(3, 3, 5, 4, 4)) < 0.4)
    masks[0, 1, 2] = 0.0  # occluded in one frame
    mass = np.array([[0.2, 3.0, np.nan], [40.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    speed = rng.uniform(0.0, 6.0, (3, 3, 5))
    speed[0, 1, 2] = speed[1, 0, 0] = np.nan
    valid = np.array([[True, True, True], [True, True, False], [False, False, False]])
    energy = np.where(rng.uniform(size=(3, 3, 5)) < 0.3, rng.uniform(0.0, 2.0, (3, 3, 5)), 0.0)
    energy[0, 2, 3] = np.nan  # an impact of the object without a mass
    return Inputs(
        patch_features=torch.from_numpy(rng.normal(size=(3, 5, 4, 4, PATCH_DIM))).float(),
        masks=torch.from_numpy(masks).float(),
        mass_kg=torch.from_numpy(mass).float(),
        speed_m_s=torch.from_numpy(speed).float(),
        valid=torch.from_numpy(valid),
        impact_energy_j=torch.from_numpy(energy).float(),
    )


@pytest.fixture
def times():
    """Times of 5 physics frames at 8 per second, and of 19 latents at 31.25 per second."""
    return np.arange(5) / 8.0, np.arange(19) / 31.25


@pytest.fixture
def transformer():
    torch.manual_seed(0)
    net = MMAudioTransformer(
        latent_dim=4,
        hidden_dim=16,
        num_heads=2,
        depth=4,
        fused_depth=2,
        clip_dim=5,
        sync_dim=7,
        text_dim=3,
        text_length=4,
        mlp_multiple_of=8,
    )
    randomise(net, 0)  # a new network answers zero whatever the modulation
    return net


@pytest.fixture
def build(transformer):
    """Build a small adapter for the small transformer; `trained=True` leaves no zero weight."""

    def make(*, trained: bool = False, **options) -> PhyAdapter:
        torch.manual_seed(1)
        settings = {"hidden_dim": 12, "mixer_rank": 5, "mass_mean": 0.8, "mass_std": 0.7}
        settings |= {"speed_mean_m_s": 1.9, "speed_std_m_s": 2.3, **options}
        adapter = PhyAdapter.for_transformer(transformer, patch_dim=PATCH_DIM, **settings)
        if trained:
            randomise(adapter, 2)
        return adapter

    return make


def randomise(module: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
