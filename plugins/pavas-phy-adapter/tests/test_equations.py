"""The adapter against Eq. 4-10 written again in numpy, loop by loop, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pavas_phy_adapter.streams import fourier_features, log_spaced


class NumpyAdapter:
    """Sec. 3.4 for one clip from a state dict; shares no code with the package."""

    def __init__(self, adapter):
        self.w = {k: v.double().numpy() for k, v in adapter.state_dict().items()}
        self.c = adapter.config
        exponents = np.linspace(
            np.log2(self.c.min_frequency), np.log2(self.c.max_frequency), self.c.num_frequencies
        )
        self.frequencies = 2.0**exponents

    def linear(self, name, x):
        return self.w[f"{name}.weight"] @ x + self.w[f"{name}.bias"]

    def two_layers(self, name, x):
        hidden = self.linear(f"{name}.0", x)
        return self.linear(f"{name}.2", hidden / (1.0 + np.exp(-hidden)))

    def h(self, patches, mask):
        if self.c.binary_masks:
            mask = (mask >= 0.5).astype(float)
        if mask.sum() == 0:
            return self.w["occlusion_token"]
        f = np.zeros(patches.shape[-1])
        for row in range(mask.shape[0]):
            for column in range(mask.shape[1]):
                f += mask[row, column] * patches[row, column]
        x = self.linear("project", f)
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        return self.w["norm.weight"] * x + self.w["norm.bias"]

    def modulated(self, half, h, x):
        if np.isnan(x):
            e = self.w[f"{half}.missing_token"]
        else:
            angle = 2 * np.pi * self.frequencies * x
            e = self.two_layers(f"{half}.embed", np.concatenate([np.sin(angle), np.cos(angle)]))
        gamma, beta = np.split(self.linear(f"{half}.film", e), 2)
        return (1 + np.tanh(gamma) / 2) * h + np.tanh(beta) / 2

    def conditions(self, patches, masks, mass, speed, valid, energy):
        """Return c_mass, c_vel and, with the stream of impacts, c_imp, (L, D_h) each."""
        halves = ("mass", "speed", "impact") if self.c.impacts else ("mass", "speed")
        rows = {half: [] for half in halves}
        for frame in range(patches.shape[0]):
            for half in halves:
                total, gates = 0.0, 0.0
                for i in np.flatnonzero(valid):
                    m = (np.log(1 + mass[i] / self.c.mass_unit_kg) - self.c.mass_mean) / (
                        self.c.mass_std
                    )
                    v = (speed[i, frame] - self.c.speed_mean_m_s) / self.c.speed_std_m_s
                    h = self.h(patches[frame], masks[i, frame])
                    h_mass = self.modulated("mass", h, m)
                    h_speed = self.modulated("speed", h, v)
                    x = h_mass if half == "mass" else h_speed
                    both = [h_mass, h_speed]
                    if half == "impact":
                        e = (
                            np.log(1 + energy[i, frame] / self.c.impact_unit_j) - self.c.impact_mean
                        ) / self.c.impact_std
                        x = self.modulated("impact", h, e)
                        both = [*both, x]
                    seen = np.concatenate(both) if self.c.gate == "joint" else x
                    g = 1 / (1 + np.exp(-self.two_layers(f"{half}.pool", seen)[0]))
                    total, gates = total + g * x, gates + g
                rows[half].append(total / gates if valid.any() else self.w[f"{half}.empty_token"])
        return [np.array(rows[half]) for half in halves]

    def g(self, half, site, c):
        """One mixer of Eq. 10 on one frame, gate included."""
        name = f"mixers.0.{half}"
        rank = self.c.mixer_rank
        rows = slice(site * rank, (site + 1) * rank)
        hidden = self.w[f"{name}.down.weight"][rows] @ c + self.w[f"{name}.down.bias"][rows]
        hidden = hidden / (1 + np.exp(-hidden))
        out = hidden @ self.w[f"{name}.up_weight"][site] + self.w[f"{name}.up_bias"][site]
        return self.w[f"{name}.gate"][site] * out


def as_numpy(inputs, row):
    return [
        tensor[row].numpy() if tensor.dtype == torch.bool else tensor[row].double().numpy()
        for tensor in inputs.all()
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"binary_masks": True},
        {"mass_unit_kg": 0.01, "num_frequencies": 1},
        {"gate": "joint"},
    ],
)
def test_conditions_follow_eq_4_to_9(build, inputs, options):
    adapter = build(trained=True, **options)
    state = inputs.encode(adapter)
    reference = NumpyAdapter(adapter)
    for row in range(3):
        mass, speed = reference.conditions(*as_numpy(inputs, row))
        np.testing.assert_allclose(state.mass[row].detach(), mass, rtol=0, atol=2e-5)
        np.testing.assert_allclose(state.speed[row].detach(), speed, rtol=0, atol=2e-5)


IMPACT = {"impacts": True, "impact_unit_j": 0.02, "impact_mean": 2.1, "impact_std": 1.3}


@pytest.mark.parametrize("gate", ["own", "joint"])
def test_impacts_go_the_way_of_speeds(build, inputs, gate):
    adapter = build(trained=True, gate=gate, **IMPACT)
    state = inputs.encode(adapter)
    reference = NumpyAdapter(adapter)
    for row in range(3):
        for name, wanted in zip(
            ("mass", "speed", "impact"), reference.conditions(*as_numpy(inputs, row)), strict=True
        ):
            have = getattr(state, name)[row].detach()
            np.testing.assert_allclose(have, wanted, rtol=0, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("options", [{}, IMPACT])
def test_deltas_follow_eq_10(build, inputs, times, options):
    adapter = build(trained=True, **options)
    state_times, latent_times = times
    deltas = adapter.modulation(inputs.encode(adapter), state_times, latent_times)
    reference = NumpyAdapter(adapter)
    names = ["joint_0_audio", "joint_1_audio", "fused_0_audio", "fused_1_audio"]
    assert list(deltas) == names
    halves = ("mass", "speed", "impact")[: 3 if options else 2]
    conditions = dict(zip(halves, reference.conditions(*as_numpy(inputs, 0)), strict=True))
    for site, name in enumerate(names):
        for latent, moment in enumerate(latent_times):
            frame = int(np.argmin(np.abs(state_times - moment)))
            small = sum(reference.g(half, site, conditions[half][frame]) for half in halves)
            shift_msa, scale_msa, shift_mlp, scale_mlp = np.split(small, 4)
            zero = np.zeros(16)
            wanted = [shift_msa, scale_msa, zero, shift_mlp, scale_mlp, zero]
            np.testing.assert_allclose(
                deltas[name][0, latent].detach(), np.concatenate(wanted), rtol=0, atol=3e-5
            )


def test_direct_summation_adds_both_projected_conditions(build, inputs, times):
    adapter = build(trained=True, variant="direct")
    state_times, latent_times = times
    deltas = adapter.modulation(inputs.encode(adapter), state_times, latent_times)
    assert list(deltas) == ["condition"]
    reference = NumpyAdapter(adapter)
    mass, speed = reference.conditions(*as_numpy(inputs, 1))
    w = reference.w
    total = sum(
        c @ w[f"mixers.0.{half}.up_weight"][0] + w[f"mixers.0.{half}.up_bias"][0]
        for half, c in (("mass", mass), ("speed", speed))
    )
    nearest = np.abs(state_times[None] - latent_times[:, None]).argmin(axis=1)
    np.testing.assert_allclose(deltas["condition"][1].detach(), total[nearest], rtol=0, atol=3e-5)


def test_frequencies_are_log_spaced_between_the_paper_decisions():
    w = np.array(log_spaced(0.125, 8.0, 16))
    assert w[0] == pytest.approx(2.0**-3)
    assert w[-1] == pytest.approx(2.0**3)
    np.testing.assert_allclose(np.diff(np.log(w)), np.log(64) / 15)


def test_fourier_features_stay_float32_in_a_bfloat16_adapter(build, inputs):
    x = torch.tensor([1.2345678])
    exact = np.sin(2 * np.pi * 8.0 * float(x[0]))
    assert fourier_features(x, [8.0])[0, 0].item() == pytest.approx(exact, abs=1e-5)
    adapter = build(trained=True)
    wide = inputs.encode(adapter)
    narrow = inputs.encode(adapter.to(torch.bfloat16))
    assert narrow.mass.dtype == torch.bfloat16
    assert (narrow.mass.float() - wide.mass).abs().max() < 0.15
