"""The editor's page and what it shows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.report.editor import editor_page, editor_state
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)


@pytest.fixture(scope="module")
def seen():
    clip = moving_discs(2, frames=30)
    estimator = PhysicsEstimator(
        moving_object_detector=BrightDetector(),
        segmenter=BrightSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
    )
    return estimator.estimate(clip.source).physics, clip.masks


def tone(peak):
    samples = peak * np.sin(np.arange(16000) / 5)[None]
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=16000)


def test_the_page_asks_for_nothing_but_sounds_and_pictures_of_its_server():
    page = editor_page()
    assert "default-src 'none'" in page
    assert "media-src 'self' blob:" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert "{{" not in page


def test_two_sounds_are_drawn_on_one_scale(seen):
    physics, masks = seen
    state = editor_state(physics, masks, {"1: loud": tone(0.8), "2: <soft>": tone(0.08)})
    json.dumps(state, allow_nan=False)
    timeline = state["timeline"]
    assert "peak -1.9 dBFS" in timeline
    assert "peak -21.9 dBFS" in timeline
    heights = []
    for track in timeline.split('<div class="track wave"')[1:]:
        path = track.split('class="wave" d="M')[1].split("Z")[0]
        heights.append(np.ptp([float(point) for point in path.split()[1::2]]))
    assert heights[0] == pytest.approx(96, abs=1)
    assert heights[1] == pytest.approx(9.6, abs=0.2)
    assert "<soft>" not in timeline + state["choices"]
    assert 'data-hear="2: &lt;soft&gt;"' in state["choices"]


def test_colours_stay_when_an_object_goes(seen):
    physics, masks = seen
    first, second = (entry.object_id for entry in physics)
    before = editor_state(physics, masks, {})
    after = editor_state(physics.without(first), masks, {}, seen=physics)
    colours = {thing["id"]: thing["colour"] for thing in before["data"]["objects"]}
    assert [(t["id"], t["colour"]) for t in after["data"]["objects"]] == [(second, colours[second])]


def test_sliders_show_what_is(seen):
    physics, masks = seen
    one = physics.objects[0].object_id
    cards = editor_state(physics.with_mass(one, 10.0), masks, {}, speed_factors={one: 2.0})["cards"]
    card = cards.split('<article class="card"')[1]
    assert 'data-edit="mass" min="-3" max="2" step="0.01" value="1.00"' in card
    assert 'data-edit="speed" min="-2" max="2" step="0.01" value="1.00"' in card
    assert 'value="10"' in card
    # beyond the slider, the mass can still be read and typed
    heavy = editor_state(physics.with_mass(one, 5e3), masks, {})["cards"]
    assert 'value="2.00"' in heavy
    assert 'value="5000"' in heavy
