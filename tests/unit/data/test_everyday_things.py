"""The table of everyday things: what it must hold, and how words find it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import everyday_things, find_everyday_thing
from pavas_sdk.data.everyday_things import _thing
from pavas_sdk.errors import FormatError

ROW = {
    "name": "orb",
    "synonyms": ["globe"],
    "mass_kg": [1, 2.5],
    "size_m": 0.3,
    "shape": "ball",
    "source": "made up",
}


def test_the_table_is_large_and_every_name_stands_once():
    things = everyday_things()
    assert len(things) >= 150
    names = Counter(name for thing in things for name in (thing.name, *thing.synonyms))
    assert [name for name, count in names.items() if count > 1] == []
    assert all(name == name.lower().strip() for name in names)
    assert [thing.name for thing in things] == sorted(thing.name for thing in things)


def test_every_thing_is_of_this_world_and_has_a_source():
    for thing in everyday_things():
        least, most = thing.mass_range_kg
        assert 0.0003 < least <= thing.mass_kg <= most < 100_000, thing
        assert 0.005 < thing.size_m < 30, thing
        assert thing.mass_kg / thing.size_m**3 < 12_000, thing  # of the cube around it
        assert 0 < thing.log_std < 1.5, thing
        assert thing.shape in (None, "ball", "stick", "box"), thing
        assert len(thing.source) > 8, thing


@pytest.mark.parametrize(
    ("name", "mass_kg"),
    [
        ("basketball", 0.6),
        ("table tennis ball", 0.0027),
        ("tennis ball", 0.058),
        ("football", 0.43),
        ("golf ball", 0.0459),
        ("puck", 0.163),
    ],
)
def test_balls_by_their_rules(name, mass_kg):
    assert find_everyday_thing(name).mass_kg == pytest.approx(mass_kg, rel=0.03)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ping-Pong balls", "table tennis ball"),
        ("a table tennis ball on a table", "table tennis ball"),
        ("A SOCCER BALL", "football"),
        ("an old tennis ball", "tennis ball"),
        ("a baseball bat", "baseball bat"),
        ("two glasses", "glasses"),
        ("brushes and a glass", "glass"),
        ("footballer", None),
        ("a ball", None),
        ("", None),
    ],
)
def test_names_in_a_text(text, name):
    found = find_everyday_thing(text)
    assert (found and found.name) == name


def test_each_name_and_plural_finds_its_thing():
    for thing in everyday_things():
        for name in (thing.name, *thing.synonyms):
            assert find_everyday_thing(f"the {name}.") is thing
        assert find_everyday_thing(f"{thing.name}s") is not None


@given(text=st.text(max_size=40))
def test_any_text_is_read(text):
    found = find_everyday_thing(text)
    assert found is None or found in everyday_things()


def test_a_row_as_it_should_be():
    thing = _thing(ROW)
    assert thing.synonyms == ("globe",)
    assert thing.mass_kg == pytest.approx(2.5**0.5)
    assert thing.log_std == pytest.approx(0.2785, abs=1e-3)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 3),
        ("synonyms", "globe"),
        ("mass_kg", [2, 1]),
        ("mass_kg", [1]),
        ("mass_kg", [0, 1]),
        ("mass_kg", ["1", 2]),
        ("size_m", -1),
        ("size_m", None),
        ("shape", "round"),
        ("source", None),
    ],
)
def test_a_wrong_row_is_named(key, value):
    with pytest.raises(FormatError, match=r"orb|name of a thing"):
        _thing({**ROW, key: value})
