"""The network that sees impacts: shapes, ranges, times."""

import numpy as np
import pytest
import torch

from pavas_sdk.data import Video
from pavas_sdk.models import TinyImpactDetector


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    return TinyImpactDetector(
        image_size=64, stem_stride=2, widths=(8, 8, 8, 8), hidden_dim=16, feature_dim=8
    ).eval()


def test_four_slots_a_frame(detector):
    times_s = detector.frame_times_s(1.0)
    assert len(times_s) == 25
    frames = np.random.default_rng(0).integers(0, 255, (25, 48, 80, 3), dtype=np.uint8)
    found, speed_m_s = detector.look(Video(frames=frames, times_s=times_s))
    assert found.shape == speed_m_s.shape == (100,)
    assert found.dtype == speed_m_s.dtype == np.float32
    assert ((found > 0) & (found < 1)).all()
    assert (speed_m_s > 0).all()
    np.testing.assert_array_equal(speed_m_s[::2], speed_m_s[1::2])  # one speed a feature
    assert detector.slot_rate_hz == 100.0


def test_save_and_load(detector, tmp_path):
    detector.save_pretrained(tmp_path)
    again = TinyImpactDetector.from_pretrained(tmp_path).eval()
    changes = torch.randn(2, 6, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(again(changes), detector(changes), rtol=0, atol=0)
        single = detector(changes[1:])
        features = detector.encoder.encode_frames(changes)
        speeds = again.log10_speeds(features)
    torch.testing.assert_close(single[0], detector(changes)[1], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(speeds, detector.log10_speeds(features), rtol=0, atol=0)
    assert speeds.shape == (2, 12)
