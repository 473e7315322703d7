"""Conditioning adapters that break one invariant each, and the check that must notice."""

from dataclasses import replace

import pytest
import torch

from pavas_sdk.registry import default_registry
from pavas_sdk.testing import CheckFailedError, conditioning_adapter_checks

Adapter = default_registry().get("conditioning_adapter").load()


class NotZeroAtFirst(Adapter):
    def modulation(self, state, state_times_s, latent_times_s):
        deltas = super().modulation(state, state_times_s, latent_times_s)
        return {name: delta + 1e-3 for name, delta in deltas.items()}


class FirstObjectOnly(Adapter):
    def encode(self, patch_features, masks, mass_kg, speed_m_s, valid):
        valid = valid & (torch.arange(valid.shape[1]) == 0)
        return super().encode(patch_features, masks, mass_kg, speed_m_s, valid)


class ReadsPadding(Adapter):
    def encode(self, patch_features, masks, mass_kg, speed_m_s, valid):
        there = valid.any(dim=1, keepdim=True) & ~mass_kg.isinf()
        return super().encode(patch_features, masks, mass_kg, speed_m_s, there)


class InventsObjects(Adapter):
    def encode(self, patch_features, masks, mass_kg, speed_m_s, valid):
        return super().encode(patch_features, masks, mass_kg, speed_m_s, torch.ones_like(valid))


class BatchMean(Adapter):
    def encode(self, patch_features, masks, mass_kg, speed_m_s, valid):
        features = patch_features - patch_features.mean(dim=0, keepdim=True)
        return super().encode(features, masks, mass_kg, speed_m_s, valid)


class PassesNan(Adapter):
    def modulation(self, state, state_times_s, latent_times_s):
        deltas = super().modulation(state, state_times_s, latent_times_s)
        return {name: delta.where(delta.abs() < 1e-12, torch.nan) for name, delta in deltas.items()}


class IgnoresMass(Adapter):
    def encode(self, patch_features, masks, mass_kg, speed_m_s, valid):
        return super().encode(patch_features, masks, torch.ones_like(mass_kg), speed_m_s, valid)


class WrongSite(Adapter):
    def modulation(self, state, state_times_s, latent_times_s):
        deltas = super().modulation(state, state_times_s, latent_times_s)
        return {f"x_{name}": delta for name, delta in deltas.items()}


class WrongWidth(Adapter):
    def modulation(self, state, state_times_s, latent_times_s):
        deltas = super().modulation(state, state_times_s, latent_times_s)
        return {name: delta[..., :-1] for name, delta in deltas.items()}


class ForgetsOnSaving(Adapter):
    @classmethod
    def from_pretrained(cls, folder, **options):
        loaded = super().from_pretrained(folder, **options)
        with torch.no_grad():
            loaded.occlusion_token.zero_()
        return loaded


class DeadWeight(Adapter):
    @classmethod
    def for_transformer(cls, transformer, **options):
        adapter = super().for_transformer(transformer, **options)
        adapter.unused = torch.nn.Linear(2, 2)
        return adapter


class StuckAtZero(Adapter):
    def modulation(self, state, state_times_s, latent_times_s):
        deltas = super().modulation(state, state_times_s, latent_times_s)
        return {name: delta * delta for name, delta in deltas.items()}


class WithImpacts(Adapter):
    @classmethod
    def for_transformer(cls, transformer, **options):
        return super().for_transformer(transformer, impacts=True, **options)


class IgnoresImpacts(WithImpacts):
    def encode(self, *inputs, impact_energy_j=None):
        still = None if impact_energy_j is None else torch.zeros_like(impact_energy_j)
        return super().encode(*inputs, still)


class TakesUnknownForNone(WithImpacts):
    def encode(self, *inputs, impact_energy_j=None):
        speed = inputs[3]
        return super().encode(
            *inputs, torch.zeros_like(speed) if impact_energy_j is None else impact_energy_j
        )


class ReadsPaddedImpacts(WithImpacts):
    def encode(self, *inputs, impact_energy_j=None):
        total = None if impact_energy_j is None else impact_energy_j.sum(dim=1, keepdim=True)
        return super().encode(*inputs, None if total is None else total.expand_as(impact_energy_j))


class NeverAsksForImpacts(WithImpacts):
    uses_impacts = False


class ForgetsImpacts(WithImpacts):
    def null_state(self, batch, length):
        state = super().null_state(batch, length)
        return replace(state, impact=state.impact[:, :1])


class OldSignature(Adapter):
    """Written before there were impacts: it must pass everything."""

    def encode(self, patch_features, masks, mass_kg, speed_m_s, valid):
        return super().encode(patch_features, masks, mass_kg, speed_m_s, valid)


BROKEN = [
    (NotZeroAtFirst, "fresh_changes_nothing", "changes the output"),
    (FirstObjectOnly, "object_order", "another order"),
    (ReadsPadding, "padding", "other padding"),
    (InventsObjects, "zero_objects", "only padding"),
    (BatchMean, "batch_independence", "alone: deltas"),
    (PassesNan, "missing_values", "NaN or infinite"),
    (IgnoresMass, "physics_matters", "another mass changes no delta"),
    (WrongSite, "shapes", "does not publish"),
    (WrongWidth, "shapes", "wants"),
    (ForgetsOnSaving, "save_and_load", "after loading"),
    (DeadWeight, "gradients", "unused.weight"),
    (StuckAtZero, "gradients", "never learn"),
    (IgnoresImpacts, "impacts", "another energy of impacts changes no delta"),
    (TakesUnknownForNone, "impacts", "acts like 0 J"),
    (ReadsPaddedImpacts, "padding", "other padding"),
    (NeverAsksForImpacts, "shapes", "the pipeline would never give any"),
    (ForgetsImpacts, "shapes", "null_state.impact is"),
]


@pytest.mark.parametrize(
    ("broken", "check", "words"), BROKEN, ids=[case[0].__name__ for case in BROKEN]
)
def test_the_check_that_is_meant_for_it_notices(broken, check, words):
    checks = conditioning_adapter_checks(broken.for_transformer)
    (asked,) = [entry for entry in checks if entry.name == check]
    with pytest.raises(CheckFailedError, match=words):
        asked()


@pytest.mark.parametrize("good", [OldSignature, WithImpacts])
def test_adapters_that_break_nothing_pass(good):
    for check in conditioning_adapter_checks(good.for_transformer):
        check()
