"""The network that sees impacts: shapes, times, any picture, the same anywhere in it."""

import numpy as np
import pytest
import torch

from pavas_sdk.data import Video
from pavas_sdk.models import TinyImpactDetector


def detector_with(**changes):
    torch.manual_seed(0)
    small = {"image_size": 64, "stem_dim": 8, "dim": 16, "dilations": (1, 2)}
    return TinyImpactDetector(**{**small, **changes}).eval()


@pytest.fixture(scope="module")
def detector():
    return detector_with()


def noise_video(frames, height, width, seed=0):
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 255, (frames, height, width, 3), dtype=np.uint8)
    return Video(frames=pictures, times_s=np.arange(frames) / 25.0)


def test_cells_of_eight_pixels_and_four_slots_a_frame(detector):
    with torch.no_grad():
        said = detector(torch.randn(2, 6, 5, 48, 64))
    assert said.hits.shape == (2, 6, 6, 8, 4)
    assert said.facts.shape == said.motion.shape == (2, 6, 6, 8, 2)
    assert said.slots().shape == (2, 24)
    exact = said.hits[1, 2, :, :, 3].exp().sum().log()
    torch.testing.assert_close(said.slots()[1, 11], exact)
    assert detector.slot_rate_hz == 100.0
    assert len(detector.frame_times_s(1.0)) == 25


def test_an_untaught_network_sees_little(detector):
    with torch.no_grad():
        said = detector_with(dim=8)(torch.zeros(1, 4, 5, 64, 64))
    assert float(torch.sigmoid(said.slots()).max()) < 0.25


@pytest.mark.parametrize(
    ("height", "width", "seen"), [(90, 160, (48, 88)), (64, 64, (64, 64)), (20, 30, (56, 80))]
)
def test_pictures_of_any_size_keep_their_shape(detector, height, width, seen):
    video = noise_video(10, height, width)
    assert tuple(detector.preprocess(video).shape) == (10, *seen)
    sight = detector.look(video)
    assert sight.likely.shape == sight.speed_m_s.shape == sight.mass_kg.shape == (40,)
    assert sight.place.shape == (40, 2)
    for values in (sight.likely, sight.speed_m_s, sight.mass_kg, sight.place):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert ((sight.likely > 0) & (sight.likely < 1)).all()
    assert ((sight.place > 0) & (sight.place < 1)).all()
    assert (sight.speed_m_s > 0).all()
    assert (sight.mass_kg > 0).all()


def test_save_and_load(detector, tmp_path):
    detector.save_pretrained(tmp_path)
    again = TinyImpactDetector.from_pretrained(tmp_path).eval()
    changes = torch.randn(2, 6, 5, 64, 64)
    with torch.no_grad():
        for found, wanted in zip(again(changes), detector(changes), strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_a_batch_is_its_clips(detector):
    changes = torch.randn(2, 6, 5, 64, 64)
    with torch.no_grad():
        both = detector(changes)
        for clip in range(2):
            for found, wanted in zip(detector(changes[clip : clip + 1]), both, strict=True):
                torch.testing.assert_close(found[0], wanted[clip], rtol=1e-4, atol=1e-5)


def test_a_clip_in_parts_is_the_whole(detector, monkeypatch):
    video = noise_video(41, 32, 40, seed=3)
    whole = detector.look(video)
    for part in (1, 7, 16):
        monkeypatch.setattr("pavas_sdk.models.tiny_impact_detector._PART", part)
        sight = detector.look(video)
        np.testing.assert_allclose(sight.likely, whole.likely, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(sight.place, whole.place, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(sight.speed_m_s, whole.speed_m_s, rtol=1e-4)
        np.testing.assert_allclose(sight.mass_kg, whole.mass_kg, rtol=1e-4)


def test_nothing_beyond_its_reach_is_seen(detector):
    """What is said of a frame changes with frames ``reach`` away, and with none farther."""
    grey = torch.rand(30, 32, 32)
    assert detector.reach == 8

    def said(pictures):
        with torch.no_grad():
            return detector(TinyImpactDetector.changes(pictures)[None]).hits[0]

    before = said(grey)
    grey[15] = 1.0 - grey[15]
    apart = (said(grey) - before).abs().amax(dim=(1, 2, 3))
    near = np.abs(np.arange(30) - 15) <= detector.reach
    assert (apart[torch.from_numpy(near)] > 0).all()
    assert (apart[torch.from_numpy(~near)] == 0).all()


def test_what_moves_by_a_cell_is_seen_a_cell_further(detector):
    grey = torch.full((8, 128, 128), 0.3)
    spot = torch.rand(5, 5)

    def said(row, column):
        picture = grey.clone()
        picture[4:, row : row + 5, column : column + 5] = spot
        with torch.no_grad():
            return detector(TinyImpactDetector.changes(picture)[None])

    here, there = said(60, 58), said(60 + 16, 58 + 8)
    for found, wanted in zip(there, here, strict=True):
        moved = (found[:, :, 7:12, 6:11] - wanted[:, :, 5:10, 5:10]).abs().max()
        unmoved = (found - wanted)[:, :, 5:12, 5:11].abs().max()
        # the mean of the whole frame, which convolutions take along, knows the picture's edges
        assert float(moved) < 0.02 * float(unmoved)
