import torch

from pavas_sdk.models import LatentPosterior


def test_moments_are_split_and_clamped():
    moments = torch.tensor([[[1.0], [2.0], [-50.0], [40.0]]])
    posterior = LatentPosterior.from_moments(moments)
    assert posterior.mean.flatten().tolist() == [1.0, 2.0]
    assert posterior.logvar.flatten().tolist() == [-30.0, 20.0]
    torch.testing.assert_close(posterior.std, torch.exp(posterior.logvar / 2))


def test_samples_follow_the_seed_and_the_statistics():
    posterior = LatentPosterior(
        mean=torch.full((1, 2, 20_000), 3.0), logvar=torch.full((1, 2, 20_000), 2.0).log() * 2
    )
    first, again = (posterior.sample(torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert abs(first.mean().item() - 3) < 0.05
    assert abs(first.std().item() - 2) < 0.05
    assert not torch.equal(posterior.sample(), posterior.sample())


def test_divergence_from_the_unit_gaussian(generator):
    unit = LatentPosterior(mean=torch.zeros(2, 3, 4), logvar=torch.zeros(2, 3, 4))
    assert torch.equal(unit.kl(), torch.zeros(2))
    other = LatentPosterior(
        mean=torch.randn(2, 3, 4, generator=generator),
        logvar=torch.randn(2, 3, 4, generator=generator),
    )
    normal = torch.distributions.Normal
    want = torch.distributions.kl_divergence(normal(other.mean, other.std), normal(0.0, 1.0))
    torch.testing.assert_close(other.kl(), want.sum(dim=(1, 2)))
