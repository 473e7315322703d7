"""Loss, velocity and gradients of the public trainer, and which mistakes they notice."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_goldens import of_kind, params, relative, rows_and_draws

from pavas_sdk.training.objective import FlowObjective

LOSS, VELOCITY, GRADIENT = 1e-5, 2e-5, 1e-4  # README.md, "Tolerances"
LOSSES = of_kind("loss")


def errors_of(golden, objective, batch, draws):
    """Largest relative error of each kind of quantity."""
    entry = golden.entry
    losses = objective(batch, draws)
    loss = losses.mean()
    loss.backward()
    with torch.no_grad():
        x1 = objective.latents(batch, draws)
        velocity = objective.velocity(batch, draws, x1)[:, :: entry["stored_every"]]
    network = objective.transformer
    wanted = {
        name.removeprefix("grad."): v for name, v in golden.tensors.items() if "grad." in name
    }
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    missing = [name for name in wanted if gradients[name] is None]
    norms = [
        abs(float(gradients[name].double().norm()) - norm) / norm
        if gradients[name] is not None
        else np.inf
        for name, norm in entry["grad_norms"].items()
        if norm
    ]
    return {
        "loss": abs(loss.item() - entry["loss"]) / entry["loss"],
        "per row": relative(losses.detach(), golden.tensors["loss_per_row"]),
        "x1": relative(x1, golden.tensors["x1_normalized"]),
        "x_t": relative(objective.mixed(draws, x1), golden.tensors["x_t"]),
        "velocity": relative(velocity, golden.tensors["velocity"]),
        "gradients": np.inf
        if missing
        else max(relative(gradients[name], value) for name, value in wanted.items()),
        "norms": max(norms),
    }


@pytest.mark.parametrize("golden", params(LOSSES))
def test_loss_and_gradients(golden):
    network = golden.network()
    objective = FlowObjective(network)
    batch, draws = rows_and_draws(
        golden.entry["inputs"], golden.entry["rows"], time=golden.tensor("t")
    )
    errors = errors_of(golden, objective, batch, draws)
    assert errors["loss"] <= LOSS, errors
    assert errors["per row"] <= 2 * LOSS, errors
    assert max(errors["x1"], errors["x_t"]) <= 1e-6, errors
    assert errors["velocity"] <= VELOCITY, errors
    assert max(errors["gradients"], errors["norms"]) <= GRADIENT, errors
    for name in golden.entry["exactly_zero_gradient"]:
        assert not network.get_parameter(name).grad.any(), name
    frozen = {name for name, p in network.named_parameters() if p.grad is None}
    assert frozen == {"latent_mean", "latent_std", "empty_string_feat"}


@pytest.mark.parametrize("golden", params(LOSSES))
def test_times_are_sigmoids_of_the_normals(golden):
    _, draws = rows_and_draws(golden.entry["inputs"], golden.entry["rows"])
    torch.testing.assert_close(draws.time, golden.tensor("t"), rtol=1e-6, atol=0)


class Opposite(FlowObjective):
    def forward(self, batch, draws):
        x1 = self.latents(batch, draws)
        error = self.velocity(batch, draws, x1) - (draws.noise - x1)
        return error.square().mean(dim=(1, 2))


class WrongWay(FlowObjective):
    def velocity(self, batch, draws, x1):
        return super().velocity(batch, replace(draws, time=1 - draws.time), x1)


class NotNormalised(FlowObjective):
    def latents(self, batch, draws):
        return batch.mean + batch.std * draws.posterior


class MeanOnly(FlowObjective):
    def latents(self, batch, draws):
        return self.transformer.normalize(batch.mean)


class LogVariance(FlowObjective):
    def latents(self, batch, draws):
        return self.transformer.normalize(batch.mean + (batch.std / 2).exp() * draws.posterior)


class OneDraw(FlowObjective):
    def forward(self, batch, draws):
        return super().forward(batch, replace(draws, u_text=draws.u_video))


class ZeroFeatures(FlowObjective):
    """Rows without video keep the zeros that they are stored with."""

    def tokens(self, batch, draws):
        clip, sync, text = super().tokens(batch, draws)
        has = batch.video_exists[:, None, None]
        return clip * has, sync * has, text


class TextWithVideo(FlowObjective):
    def tokens(self, batch, draws):
        return super().tokens(
            replace(batch, text_exists=batch.text_exists & batch.video_exists), draws
        )


class SyncKept(FlowObjective):
    def tokens(self, batch, draws):
        clip, sync, text = super().tokens(batch, draws)
        return clip, torch.where(batch.video_exists[:, None, None], batch.sync_features, sync), text


class ZeroText(FlowObjective):
    def tokens(self, batch, draws):
        clip, sync, text = super().tokens(batch, draws)
        kept = batch.text_exists & (draws.u_text >= self.drop.text)
        return clip, sync, text * kept[:, None, None]


class Detached(FlowObjective):
    def tokens(self, batch, draws):
        return tuple(tokens.detach() for tokens in super().tokens(batch, draws))


class SumOfChannels(FlowObjective):
    def forward(self, batch, draws):
        return super().forward(batch, draws) * batch.mean.shape[2]


class Absolute(FlowObjective):
    def forward(self, batch, draws):
        x1 = self.latents(batch, draws)
        error = self.velocity(batch, draws, x1) - (x1 - draws.noise)
        return error.abs().mean(dim=(1, 2))


MISTAKES = [
    Opposite,
    WrongWay,
    NotNormalised,
    MeanOnly,
    LogVariance,
    OneDraw,
    ZeroFeatures,
    TextWithVideo,
    SyncKept,
    ZeroText,
    Detached,
    SumOfChannels,
    Absolute,
]
GOLDEN = next((golden for golden in LOSSES if golden.entry["size"] == "reduced"), None)


@pytest.mark.skipif(GOLDEN is None, reason="the folder has no reduced network")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_mistakes_show(mistake):
    entry = GOLDEN.entry
    batch, draws = rows_and_draws(entry["inputs"], entry["rows"], time=GOLDEN.tensor("t"))
    errors = errors_of(GOLDEN, mistake(GOLDEN.network()), batch, draws)
    assert max(errors["velocity"] / VELOCITY, errors["gradients"] / GRADIENT) > 10, errors
