"""What a notebook shows: short words, a player at the true level, tables and plots."""

from __future__ import annotations

import base64
import io
import re
import wave
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from pavas_sdk.data import Audio, MovingObject, ObjectPhysics, PhysicsEstimate, Video
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.pipelines.output import PavasOutput, PavasOutputs

RATE = 16_000
TIMES_S = np.arange(0.02, 2.0, 0.04)


def ball(object_id: int = 0, label: str = "ball") -> ObjectPhysics:
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label=label, action="bouncing"),
        mass_kg=0.5,
        speed_times_s=TIMES_S,
        speed_m_s=np.where(TIMES_S < 1.0, 4.0 * TIMES_S, 0.5),
    )


@pytest.fixture
def physics():
    estimate = PhysicsEstimate(objects=(ball(), ball(1, "<b>cup</b> $5")), duration_s=2.0)
    return estimate.with_impact(0, 1.5, energy_change_j=2.0)


@pytest.fixture
def out(physics):
    samples = 0.1 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    return PavasOutput(
        audio=Audio(samples=samples, sample_rate_hz=RATE),
        physics=physics,
        provenance={"model": "pavas-tiny", "seed": 3, "level": "audible"},
        video_path="a & b.mp4",
    )


def test_words_are_short_whatever_is_inside(out):
    many = PhysicsEstimate(
        objects=tuple(ball(k, f"a very long label {'x' * 400}") for k in range(50)), duration_s=2.0
    )
    crowded = replace(out, physics=many, provenance={**out.provenance, "model": "m" * 5000})
    for value in (out, crowded, out.physics, many, out.audio):
        assert len(repr(value)) < 2000
    assert "peak -20.0 dBFS" in repr(out)
    assert "0  ball (bouncing): 0.5 kg" in repr(out)
    assert "seed 3" in repr(out)
    assert "and 42 more" in repr(many)
    video = Video(frames=np.zeros((100, 48, 64, 3), np.uint8), times_s=np.arange(100) / 25)
    assert repr(video) == "Video(100 frames, 4.00 s, 64 x 48, 25 frames/s)"


def test_an_output_of_arrays_says_their_shape(out):
    arrays = replace(out, audio=out.audio.samples)
    assert "ndarray (1, 32000)" in repr(arrays)
    assert arrays._repr_html_() is None
    assert PavasOutputs([out, arrays])._repr_html_() is None


def test_the_player_changes_no_level(out):
    page = out._repr_html_()
    data = re.search(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)", page)[1]
    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        played = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    np.testing.assert_allclose(played, out.audio.samples[0], atol=1 / 32768)


def test_stereo_and_clipped_sounds_are_played():
    samples = np.stack([np.full(8, 2.0), np.full(8, -2.0)])
    page = Audio(samples=samples, sample_rate_hz=RATE)._repr_html_()
    data = re.search(r"base64,([A-Za-z0-9+/=]+)", page)[1]
    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        played = np.frombuffer(file.readframes(8), "<i2").reshape(8, 2)
    assert (played[:, 0] == 32767).all()
    assert (played[:, 1] == -32768).all()


def test_a_long_sound_is_not_put_into_the_page():
    page = Audio(samples=np.zeros(RATE * 121), sample_rate_hz=RATE)._repr_html_()
    assert "too long" in page
    assert len(page) < 300


def test_the_page_is_whole_safe_and_needs_no_network(out):
    page = out._repr_html_()
    root = ET.fromstring(page.replace("<audio controls ", '<audio controls="" '))
    lines = root.findall(".//line")
    places = sorted(float(line.get("x1")) for line in lines)
    wanted = sorted(500.0 * hit.time_s for hit in out.physics.impacts())
    assert places == pytest.approx(wanted, abs=0.1)
    assert "&lt;b&gt;cup" in page
    assert "a &amp; b.mp4" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert len(root.findall(".//tbody/tr")) == 2
    assert PavasOutputs([out, out])._repr_html_() == f"{page}<hr>{page}"


def test_silence_and_nothing_that_moves_are_shown():
    nothing = PhysicsEstimate(objects=(), duration_s=1.0)
    silent = PavasOutput(
        audio=Audio(samples=np.zeros(RATE), sample_rate_hz=RATE), physics=nothing, provenance={}
    )
    assert "no moving object" in silent._repr_html_()
    assert "0 objects" in repr(silent)
    assert silent.plot().axes[2].get_title() == "no moving object"


def test_tables_have_a_row_for_each(physics):
    objects = physics.to_dataframe()
    assert list(objects["label"]) == ["ball", "<b>cup</b> $5"]
    assert objects["mass_kg"].tolist() == [0.5, 0.5]
    speeds = physics.to_dataframe("speeds")
    np.testing.assert_array_equal(
        speeds[speeds["object_id"] == 1]["speed_m_s"], physics[1].speed_m_s
    )
    impacts = physics.to_dataframe("impacts")
    assert impacts["time_s"].tolist() == [hit.time_s for hit in physics.impacts()]
    assert "edited" in set(impacts["source"])
    empty = PhysicsEstimate(objects=(), duration_s=1.0).to_dataframe("impacts")
    assert isinstance(empty, pd.DataFrame)
    assert list(empty.columns) == list(impacts.columns)
    with pytest.raises(ConfigurationError, match="objects, speeds, impacts"):
        physics.to_dataframe("masses")


def test_plots_show_the_data(out, physics):
    figure = physics.plot()
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 2]
    np.testing.assert_array_equal(lines[0].get_ydata(), physics[0].speed_m_s)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")  # a label with a dollar sign is no formula
    wave_axes, spectrum, speeds = out.plot().axes
    assert wave_axes.get_title() == "peak -20.0 dBFS"
    assert spectrum.get_xlim() == speeds.get_xlim() == (0.0, 2.0)
    times = sorted(
        line.get_xdata()[0] for line in wave_axes.get_lines() if len(line.get_xdata()) == 2
    )
    assert times == pytest.approx([hit.time_s for hit in physics.impacts()])
    # nothing is left in matplotlib's global state, where notebooks would show it twice
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []
