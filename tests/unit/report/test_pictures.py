"""Pictures of the sound, curves and numbers."""

import io

import av
import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.display.png import palette, png_bytes
from pavas_sdk.display.sound_picture import sound_picture
from pavas_sdk.report import quantities
from pavas_sdk.report.curves import area_path, line_path, nice_ticks, time_ticks


def decoded(png):
    with av.open(io.BytesIO(png)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def test_a_png_is_what_was_put_in():
    colours = palette(["#000000", "#ff8000", "#ffffff"])
    assert colours[0].tolist() == [0, 0, 0]
    assert colours[255].tolist() == [255, 255, 255]
    index = np.random.default_rng(0).integers(0, 256, (31, 57)).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png_bytes(index, colours)), colours[index])


def brightness(picture):
    return decoded(picture.spectrogram_png).astype(int).sum(axis=2)


@pytest.mark.parametrize("hz", [200.0, 1000.0, 4000.0])
def test_a_tone_lies_at_its_frequency(hz):
    rate = 16000
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(rate) / rate)
    picture = sound_picture(Audio(samples=tone[None].astype(np.float32), sample_rate_hz=rate), 1.0)
    rows = brightness(picture).mean(axis=1)[::-1]
    span = np.log(picture.highest_hz / picture.lowest_hz)
    place = np.log(hz / picture.lowest_hz) / span
    assert np.argmax(rows) / (rows.size - 1) == pytest.approx(place, abs=0.04)
    assert picture.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert picture.top_db == pytest.approx(-6.02, abs=1.0)
    np.testing.assert_allclose(np.abs(picture.envelope).max(axis=0), 1.0, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_click_lies_at_its_time(channels):
    samples = np.zeros((channels, 32000), dtype=np.float32)
    samples[:, 24000:24040] = 0.8
    picture = sound_picture(Audio(samples=samples, sample_rate_hz=16000), 2.0)
    columns = brightness(picture).sum(axis=0)
    loud = np.flatnonzero(columns > 0.5 * columns.max())
    assert loud.mean() / columns.size == pytest.approx(0.75, abs=0.005)
    peak = np.argmax(picture.envelope[:, 1]) / len(picture.envelope)
    assert peak == pytest.approx(0.75, abs=0.002)


def test_silence_and_one_sample():
    silent = sound_picture(
        Audio(samples=np.zeros((1, 100), dtype=np.float32), sample_rate_hz=8000), 1.0
    )
    assert silent.peak_dbfs == float("-inf")
    assert np.ptp(brightness(silent)) == 0
    short = sound_picture(
        Audio(samples=np.ones((1, 1), dtype=np.float32), sample_rate_hz=8000), 1 / 8000
    )
    assert short.envelope.shape == (1, 2)


def test_lines_have_gaps_where_values_are_missing():
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    values = np.array([0.0, 1.0, np.nan, 2.0, np.nan])
    assert line_path(times, values, 4.0, 2.0) == ("M0.00 100.00 250.00 50.00M750.00 0.00 h0.01")
    assert line_path(times, np.full(5, np.nan), 4.0, 2.0) == ""
    area = area_path(times, np.zeros(5), values, 4.0, 2.0)
    assert area == "M0.00 100.00 250.00 50.00 250.00 100.00 0.00 100.00Z"


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [(3.9, [0, 1, 2, 3, 4]), (0.07, [0, 0.02, 0.04, 0.06, 0.08]), (0, [0, 1]), (np.nan, [0, 1])],
)
def test_round_values(largest, ticks):
    assert nice_ticks(largest) == pytest.approx(ticks)


@pytest.mark.parametrize("duration_s", [0.04, 0.8, 4.0, 75.0, 600.0, 90000.0])
def test_round_times(duration_s):
    ticks = time_ticks(duration_s)
    assert 2 <= len(ticks) <= 32
    assert ticks[0] == 0
    assert ticks[-1] <= duration_s + 1e-9


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (quantities.mass(0.0577), "57.7 g"),
        (quantities.mass(1.25), "1.25 kg"),
        (quantities.mass(0.0004), "400 mg"),
        (quantities.mass(1500), "1.5 t"),
        (quantities.speed(2.3149), "2.31 m/s"),
        (quantities.energy(0.0153), "15.3 mJ"),
        (quantities.energy(4520), "4.52 kJ"),
        (quantities.energy(float("nan")), "–"),
        (quantities.energy(5.8e-14), "< 1 µJ"),
        (quantities.energy(0.0), "0 J"),
        (quantities.significant(1234.6), "1230"),
        (quantities.significant(1000.0), "1000"),
        (quantities.seconds(65.32), "1:05.3"),
        (quantities.seconds(0.841), "0.84 s"),
    ],
)
def test_numbers_as_people_read_them(text, wanted):
    assert text == wanted
