"""What the encoders are taught."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.training.targets import (
    audible_contacts,
    band_levels,
    class_index,
    class_names,
    onset_slots,
)


def test_classes():
    names = class_names(["wood", "metal", "wood"])
    assert names == ("metal", "wood")
    assert class_index(names, "wood") == 1
    assert class_index(names, "glass") == -100


def test_weak_contacts_are_not_heard():
    times = audible_contacts([0.1, 0.2, 0.3, 0.4], [2.0, 1e-6, 1e-4, 0.5])
    np.testing.assert_allclose(times, [0.1, 0.4])
    assert audible_contacts([], []).size == 0


@given(
    st.lists(st.floats(0.0, 1.599), max_size=6, unique=True),
    st.sampled_from([1, 2, 4]),
)
def test_a_contact_lights_its_own_slot(times, slots):
    target = onset_slots(np.asarray(times), 80, 50.0, slots)
    assert target.shape == (80, slots)
    flat = target.ravel()
    for time_s in times:
        assert flat[int(np.floor(time_s * 50.0 * slots))] == 1.0
    assert (flat == 1.0).sum() <= len(times)
    assert set(np.unique(flat)) <= {np.float32(0.0), np.float32(0.3), np.float32(1.0)}


def test_band_levels_follow_the_spectrogram_in_time():
    mel = np.full((80, 100), -5.0, dtype=np.float32)
    mel[:10, 50:] = -1.0
    levels = band_levels(mel, 50, 8)
    assert levels.shape == (50, 8)
    assert levels[:24, 0] == pytest.approx(-2.0)
    assert levels[26:, 0] == pytest.approx(2.0)
    assert levels[:, 1:] == pytest.approx(-2.0)
