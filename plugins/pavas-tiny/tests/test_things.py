"""What words say about things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.things import MATERIALS, read_words
from scenes import quick

from pavas_sdk.data import everyday_things, find_everyday_thing


def only(text):
    (words,) = read_words(text)
    return words


def test_every_known_thing_is_read_as_itself():
    for thing in everyday_things():
        if thing.name in MATERIALS:
            continue
        words = only(f"a {thing.name} falling on a table")
        assert words.thing is thing
        assert words.phrase == thing.name
        assert words.shape == (thing.shape or "")


@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_every_material_is_read(name):
    words = only(f"a {name} ball")
    assert words.material == name
    assert words.shape == "ball"
    assert words.thing is None
    material = MATERIALS[name]
    assert 10 < material.density_kg_m3 < 20_000
    assert material.log_fill <= 0 < material.log_std


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("a wooden ball and a 2 kg metal box dropped on carpet", ["wooden ball", "2 kg metal box"]),
        ("The Hammer hits a plate", ["hammer"]),
        ("two tennis balls, an apple & a spoon", ["two tennis ball", "apple", "spoon"]),
        ("a table tennis ball", ["table tennis ball"]),
        ("a ball on a ball", ["ball"]),
        ("sounds of impacts", []),
        ("", []),
        ("dropped", []),
        ("with a hammer", []),
    ],
)
def test_phrases(text, phrases):
    assert [words.phrase for words in read_words(text)] == phrases


@pytest.mark.parametrize(
    ("text", "material"),
    [
        ("a wooden stick", "wood"),
        ("an aluminum rod", "aluminium"),
        ("a porcelain cube", "ceramic"),
        ("a metallic sphere", "metal"),
        ("a red ball", None),
        ("a glass ball", "glass"),
        ("a leather ball of foam", "leather"),
        ("a wood and", None),
    ],
)
def test_materials(text, material):
    found = read_words(text)
    assert (found[0].material if found else None) == material


def test_a_drinking_glass_is_a_thing_and_a_glass_ball_is_not():
    assert only("a glass").thing is find_everyday_thing("glass")
    assert only("a glass").material is None
    assert only("a glass ball").thing is None
    assert only("a stone block").thing is None
    assert only("a stone").thing is find_everyday_thing("stone")


@pytest.mark.parametrize(
    ("word", "hollow"),
    [("hollow", True), ("empty", True), ("solid", False), ("full", False), ("red", None)],
)
def test_hollow_or_solid(word, hollow):
    assert only(f"a {word} metal ball").hollow is hollow


@quick
@given(
    mass=st.floats(0.1, 900).map(lambda value: round(value, 2)),
    unit=st.sampled_from(
        [("kg", 1.0), (" kilograms", 1.0), (" kilo", 1.0), ("g", 1e-3), (" grams", 1e-3)]
    ),
)
def test_a_stated_mass(mass, unit):
    name, factor = unit
    assert only(f"a {mass}{name} ball").mass_kg == pytest.approx(mass * factor)


def test_ways_to_write_a_mass():
    assert only("a 1,5 kg ball").mass_kg == pytest.approx(1.5)
    assert only("a 500-gram ball").mass_kg == pytest.approx(0.5)
    assert only("a 5 gold ball").mass_kg is None
    assert only("a 0 kg ball").mass_kg is None
    assert [words.mass_kg for words in read_words("a 1.5 kg ball,2 kg box, 0,5 kg rod")] == [
        1.5,
        2,
        0.5,
    ]
    assert [words.phrase for words in read_words("a ball. a hammer")] == ["ball"]
    assert only("2 kg").names_something


@quick
@given(text=st.text(st.sampled_from("ab ball2.5,kg and+&g;stone"), max_size=60))
def test_any_text_is_read(text):
    for words in read_words(text):
        assert words.names_something
        assert words.phrase
        assert words.mass_kg is None or words.mass_kg > 0


def test_a_prompt_of_thousands_of_characters_gives_a_short_label():
    words = only("a very " + "very " * 1000 + "heavy steel ball dropped on concrete")
    assert len(words.phrase) <= 60
    assert words.phrase.endswith("very heavy steel ball")
    assert (words.shape, words.material) == ("ball", "steel")
    assert len(only("x" * 1000 + "ball of glass").phrase) <= 60
