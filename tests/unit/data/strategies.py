"""Random value objects."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pavas_sdk.data import (
    ComponentRef,
    Impact,
    MaskTrack,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
)

texts = st.text(max_size=12)
labels = st.text(min_size=1, max_size=12).filter(str.strip)
positive = st.floats(1e-6, 1e6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def times(draw, min_size=0, max_size=12):
    count = draw(st.integers(min_size, max_size))
    steps = draw(st.lists(st.floats(1e-3, 10.0), min_size=count, max_size=count))
    return draw(st.floats(-5.0, 5.0)) + np.cumsum(np.asarray(steps, dtype=np.float64))


def series(shape, low=0.0, high=1e4):
    numbers = st.one_of(st.floats(low, high), st.just(float("nan")))
    return arrays.arrays(np.float64, shape, elements=numbers)


@st.composite
def moving_objects(draw, object_id=None):
    box = draw(st.none() | st.tuples(*[st.floats(0, 1)] * 4))
    return MovingObject(
        object_id=draw(st.integers(0, 1000)) if object_id is None else object_id,
        label=draw(labels),
        action=draw(texts),
        score=draw(st.none() | st.floats(0, 1)),
        box=box,
        box_time_s=None if box is None else draw(st.floats(0, 10)),
    )


@st.composite
def object_physics(draw, object_id):
    moments = draw(times())
    count = moments.size
    return ObjectPhysics(
        object=draw(moving_objects(object_id)),
        mass_kg=draw(st.none() | positive),
        mass_log_std=draw(st.none() | st.floats(0, 5)),
        speed_times_s=moments,
        speed_m_s=draw(series((count,))),
        speed_std_m_s=draw(st.none() | series((count,))),
        velocity_m_s=draw(st.none() | series((count, 3), low=-1e4)),
        sources=draw(st.dictionaries(texts, texts, max_size=3)),
    )


component_refs = st.builds(
    ComponentRef,
    kind=texts,
    name=texts,
    distribution=texts,
    version=texts,
    config=st.dictionaries(texts, json_values, max_size=3),
    licence=texts,
)


@st.composite
def impacts(draw, ids, duration_s):
    speeds = st.one_of(st.floats(0, 1e4), st.just(float("nan")))
    return Impact(
        object_id=draw(st.sampled_from(ids)),
        time_s=draw(st.floats(0, duration_s)),
        speed_before_m_s=draw(speeds),
        speed_after_m_s=draw(speeds),
        velocity_change_m_s=draw(speeds),
        energy_before_j=float("nan"),
        energy_after_j=float("nan"),
        stated_energy_j=draw(st.none() | st.floats(0, 1e9)),
        source=draw(st.sampled_from(["estimated", "edited"])),
    )


@st.composite
def physics_estimates(draw):
    ids = draw(st.lists(st.integers(0, 50), unique=True, max_size=3))
    duration_s = draw(positive)
    known = st.lists(impacts(ids, duration_s), max_size=4) if ids else st.just([])
    return PhysicsEstimate(
        objects=tuple(draw(object_physics(object_id)) for object_id in ids),
        duration_s=duration_s,
        known_impacts=draw(st.none() | known),
        provenance=draw(st.dictionaries(texts, component_refs, max_size=2)),
        time_scale=draw(st.floats(0.1, 50)),
        edits=tuple(draw(st.lists(texts, max_size=2))),
        notes=tuple(draw(st.lists(texts, max_size=2))),
    )


@st.composite
def mask_tracks(draw):
    moments = draw(times(max_size=4))
    count, height, width = moments.size, draw(st.integers(0, 6)), draw(st.integers(0, 6))
    scores = st.one_of(st.floats(0, 1, width=32), st.just(float("nan")))
    return MaskTrack(
        object_id=draw(st.integers(0, 9)),
        masks=draw(arrays.arrays(np.bool_, (count, height, width))),
        times_s=moments,
        scores=draw(arrays.arrays(np.float32, (count,), elements=scores)),
    )
