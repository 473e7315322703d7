"""Stems: shares of a sound that sum to it, whatever the single sounds are."""

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.stems import STEMS_ERROR_DB, object_stems, split_by_sounds
from pavas_sdk.testing import moving_discs

RATE_HZ = 16_000


def noise(seed, seconds=1.0, channels=1, gain=0.1):
    samples = np.random.default_rng(seed).normal(size=(channels, round(seconds * RATE_HZ)))
    return Audio(samples=(gain * samples).astype(np.float32), sample_rate_hz=RATE_HZ)


def click(time_s, pitch_hz=2000.0):
    times = np.arange(RATE_HZ) / RATE_HZ - time_s
    ring = np.where(times >= 0, np.exp(-40 * times) * np.sin(2 * np.pi * pitch_hz * times), 0.0)
    return Audio(samples=ring.astype(np.float32), sample_rate_hz=RATE_HZ)


def error_db(audio, stems):
    off = sum(one.samples for one in stems.values()) - audio.samples
    return 20 * np.log10(np.abs(off).max() / np.abs(audio.samples).max() + 1e-20)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.005, 0.1, 1.0])
def test_stems_sum_to_the_sound(channels, seconds):
    audio = noise(0, seconds, channels)
    stems = split_by_sounds(audio, {k: noise(k, seconds, channels) for k in (1, 5, 7)})
    assert list(stems) == [1, 5, 7]
    assert error_db(audio, stems) < STEMS_ERROR_DB


def test_silent_parts_share_and_still_sum():
    audio = noise(0)
    silence = Audio(samples=np.zeros(RATE_HZ, np.float32), sample_rate_hz=RATE_HZ)
    stems = split_by_sounds(audio, {0: silence, 1: silence})
    assert error_db(audio, stems) < STEMS_ERROR_DB
    np.testing.assert_allclose(stems[0].samples, audio.samples / 2, atol=1e-6)


def test_each_sound_goes_to_its_own_stem():
    early, late = click(0.2), click(0.7, 900.0)
    both = Audio(samples=early.samples + late.samples, sample_rate_hz=RATE_HZ)
    stems = split_by_sounds(both, {0: early, 1: late})
    for key, own in ((0, early), (1, late)):
        off = np.square(stems[key].samples - own.samples).sum() / np.square(own.samples).sum()
        assert 10 * np.log10(off) < -30


def test_objects_are_made_alone_and_one_is_the_whole():
    asked = []

    def make(physics):
        asked.append([entry.object_id for entry in physics])
        return noise(len(asked))

    audio = noise(0)
    assert set(object_stems(audio, moving_discs(3).physics, make)) == {0, 1, 2}
    assert asked == [[0], [1], [2]]
    assert object_stems(audio, moving_discs(1).physics, make) == {0: audio}
    assert object_stems(audio, moving_discs(0).physics, make) == {}
    assert len(asked) == 3


@pytest.mark.parametrize(
    "alone",
    [{}, {0: noise(0, 2.0)}, {0: noise(0, channels=2)}],
    ids=["none", "longer", "channels"],
)
def test_what_does_not_fit_is_refused(alone):
    with pytest.raises(InputError):
        split_by_sounds(noise(0), alone)
