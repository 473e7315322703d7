"""Answers as models write them: what is read of each, in ``recorded_answers.json``."""

import contextlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_qwen_vl.answers.lenient_json import json_values
from pavas_qwen_vl.answers.masses import MassAnswer, log_std_of_range, pool, read_masses
from pavas_qwen_vl.answers.moving_objects import Mention, keep_largest, read_objects
from pavas_qwen_vl.errors import AnswerFormatError

RECORDED = json.loads((Path(__file__).parent / "recorded_answers.json").read_text("utf-8"))


def recorded(question):
    return [
        pytest.param(entry, id=entry["id"]) for entry in RECORDED if entry["question"] == question
    ]


def test_there_are_enough_and_each_has_a_name():
    assert len(RECORDED) >= 60
    names = [(entry["question"], entry["id"]) for entry in RECORDED]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("entry", recorded("objects"))
def test_objects(entry):
    if entry["expect"] == "error":
        with pytest.raises(AnswerFormatError):
            read_objects(entry["answer"])
        return
    found = read_objects(entry["answer"])
    assert [[mention.label, mention.action] for mention in found] == entry["expect"]
    if "scores" in entry:
        assert [mention.score for mention in found] == entry["scores"]
    if "sizes" in entry:
        assert [mention.size_percent for mention in found] == entry["sizes"]


@pytest.mark.parametrize("entry", recorded("masses"))
def test_masses(entry):
    if entry["expect"] == "error":
        with pytest.raises(AnswerFormatError):
            read_masses(entry["answer"], entry["labels"])
        return
    found = read_masses(entry["answer"], entry["labels"])
    assert {str(index + 1): answer.mass_kg for index, answer in found.items()} == pytest.approx(
        entry["expect"], rel=1e-3
    )
    for number, value in entry.get("log_std", {}).items():
        assert found[int(number) - 1].log_std == pytest.approx(value, rel=1e-3)
    for number, value in entry.get("why", {}).items():
        assert found[int(number) - 1].why == value


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    for read in (read_objects, lambda answer: read_masses(answer, ["ball", "hammer"])):
        with contextlib.suppress(AnswerFormatError):
            read(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_good_json_is_read_as_it_is(value):
    expected = [value] if isinstance(value, (list, dict)) else []
    text = json.dumps(value)
    assert json_values(text if expected else "") == expected


@given(st.integers(0, 400))
def test_wherever_it_is_cut_nothing_is_invented(length):
    whole = json.dumps(
        {"masses": [{"id": n, "mass_kg": 10.0 * n, "low_kg": 5.0, "why": "x"} for n in (1, 2, 3)]}
    )
    try:
        found = read_masses(whole[:length], ["a", "b", "c"])
    except AnswerFormatError:
        return
    assert all(answer.mass_kg == 10.0 * (index + 1) for index, answer in found.items())


def test_forty_objects_the_largest_are_kept():
    mentions = [Mention(label=f"thing {n}", size_percent=n % 20, score=n / 40) for n in range(40)]
    kept, left = keep_largest(mentions, 3)
    assert [mention.label for mention in kept] == ["thing 19", "thing 38", "thing 39"]
    assert len(left) == 37


def test_samples_are_pooled_by_the_median_of_log_mass():
    answers = [MassAnswer(mass_kg=mass, log_std=0.2) for mass in (0.5, 0.6, 40.0)]
    pooled = pool(answers)
    assert pooled.mass_kg == 0.6
    spread = np.std(np.log([0.5, 0.6, 40.0]), ddof=1)
    assert pooled.log_std == pytest.approx(math.hypot(0.2, spread))
    assert pool([MassAnswer(mass_kg=1.0), MassAnswer(mass_kg=4.0)]).mass_kg == pytest.approx(2.0)


def test_range_of_nine_in_ten():
    log_std = log_std_of_range(1.0, 4.0)
    assert math.exp(math.log(2.0) + 1.6449 * log_std) == pytest.approx(4.0, rel=1e-4)
