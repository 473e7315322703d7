"""FD, KL and IS beside libraries that many use for pictures; each is asked where it is installed."""

import numpy as np
import pytest

from pavas_sdk.evaluation import frechet_distance, inception_score, kl_divergence


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(24, 24)) / 5
    return rng.normal(0.2, 1.1, (300, 24)) @ mix, rng.normal(0.0, 1.0, (280, 24)) @ mix


@pytest.fixture(scope="module")
def logits():
    rng = np.random.default_rng(1)
    return 3 * rng.normal(size=(70, 40)), 3 * rng.normal(size=(70, 40))


class Given:
    """Takes features for pictures: a network that changes nothing."""

    @staticmethod
    def of(width):
        import torch

        network = torch.nn.Identity()
        network.num_features = width
        return network


@pytest.mark.filterwarnings("ignore")
def test_torchmetrics(features, logits):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torchmetrics")
    pytest.importorskip("torchmetrics.image.fid")
    distance = metrics.image.FrechetInceptionDistance(feature=Given.of(24)).set_dtype(torch.float64)
    distance.update(torch.from_numpy(features[1]), real=True)
    distance.update(torch.from_numpy(features[0]), real=False)
    # torchmetrics sums in the precision of its states and takes roots of eigenvalues of a product
    assert frechet_distance(*features) == pytest.approx(float(distance.compute()), rel=1e-4)
    generated, reference = (torch.log_softmax(torch.from_numpy(x), 1) for x in logits)
    divergence = metrics.functional.kl_divergence(reference, generated, log_prob=True)
    assert kl_divergence(*logits) == pytest.approx(float(divergence), rel=1e-9)
    score = metrics.image.InceptionScore(feature=Given.of(40), splits=1)
    score.update(torch.from_numpy(logits[0]))
    ours = inception_score(logits[0], splits=1)[0]
    assert ours == pytest.approx(float(score.compute()[0]), rel=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_torch_fidelity(features, logits):
    """The public evaluation code takes its Inception Score from here: shuffle and parts agree."""
    torch = pytest.importorskip("torch")
    isc = pytest.importorskip("torch_fidelity.metric_isc")
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    found = isc.isc_features_to_metric(
        torch.from_numpy(logits[0]), splits=10, shuffle=True, rng_seed=2020
    )
    mean, spread = inception_score(logits[0])
    assert mean == pytest.approx(found["inception_score_mean"], rel=1e-9)
    assert spread == pytest.approx(found["inception_score_std"], rel=1e-7)
    statistics = [fid.fid_features_to_statistics(torch.from_numpy(x)) for x in features]
    distance = fid.fid_statistics_to_metric(*statistics, verbose=False)
    assert frechet_distance(*features) == pytest.approx(
        distance["frechet_inception_distance"], rel=1e-6
    )
