import pytest
import torch

from pavas_sdk.models import MMAudioTransformer

TINY = {
    "latent_dim": 4,
    "hidden_dim": 32,
    "num_heads": 4,
    "depth": 4,
    "fused_depth": 2,
    "clip_dim": 12,
    "sync_dim": 10,
    "text_dim": 6,
    "text_length": 5,
    "mlp_multiple_of": 8,
    "time_embed_dim": 16,
}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


@pytest.fixture
def randomise(generator):
    """Give every parameter weights: a fresh network ends in zeros and would prove nothing."""

    def randomise(module):
        with torch.no_grad():
            for parameter in module.parameters():
                fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise / fan_in**0.5)
        return module.eval()

    return randomise


@pytest.fixture
def make_transformer(randomise):
    def make(**changes):
        return randomise(MMAudioTransformer(**{**TINY, **changes}))

    return make


@pytest.fixture
def transformer(make_transformer):
    return make_transformer()


@pytest.fixture
def make_inputs(generator):
    """Latents, times and features of a batch, for the tiny network."""

    def make(batch=2, latents=21, clip=6, segments=2, text=5):
        def randn(*shape):
            return torch.randn(*shape, generator=generator)

        return {
            "latents": randn(batch, latents, TINY["latent_dim"]),
            "timestep": torch.rand(batch, generator=generator),
            "clip_f": randn(batch, clip, TINY["clip_dim"]),
            "sync_f": randn(batch, 8 * segments, TINY["sync_dim"]),
            "text_f": randn(batch, text, TINY["text_dim"]),
        }

    return make


@pytest.fixture
def run():
    def run(network, inputs, modulation=None):
        conditions = network.prepare_conditions(
            inputs["clip_f"], inputs["sync_f"], inputs["text_f"], inputs["latents"].shape[1]
        )
        return network(inputs["latents"], inputs["timestep"], conditions, modulation)

    return run
