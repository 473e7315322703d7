"""Truth files: what is read, and what is refused by file, clip and key."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import Video
from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation import read_truth
from pavas_sdk.media import MemorySource

REAL = Path(__file__).resolve().parents[3] / "benchmarks" / "real_clips_truth.json"
CLIP = {
    "kind": "strike",
    "duration_s": 2.0,
    "impacts_s": [1.2, 0.4],
    "unscored_s": [[1.8, 2.3]],
    "objects": ["drumstick", "hand"],
    "mass_range_kg": [0.03, 0.12],
    "speeds": [[0.39, 1.5]],
    "points": [[0.4, 0.5, 0.6]],
    "licence": "MIT",
}


def read(tmp_path, clip, name="a.mp4", **document):
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({**document, "clips": {name: clip}}))
    return read_truth(path)


def test_a_clip_is_read_and_keys_of_others_are_passed_over(tmp_path):
    (clip,) = read(tmp_path, CLIP, format="pavas.truth", format_version=1)
    assert (clip.name, clip.kind, clip.duration_s) == ("a.mp4", "strike", 2.0)
    assert clip.impacts_s == (0.4, 1.2)
    assert clip.unscored_s == ((1.8, 2.3),)
    assert clip.objects == ("drumstick", "hand")
    assert clip.mass_range_kg == (0.03, 0.12)
    assert clip.speeds == ((0.39, 1.5),)
    assert clip.points == ((0.4, 0.5, 0.6),)
    assert clip.time_scale == 1.0


def test_files_without_format_and_with_the_older_name_of_stretches_are_read(tmp_path):
    older = {key: value for key, value in CLIP.items() if key != "unscored_s"}
    (clip,) = read(tmp_path, {**older, "ignore_s": [[0, 0.3]], "speeds": None})
    assert clip.unscored_s == ((0.0, 0.3),)
    assert clip.speeds == ()


def test_the_truth_of_the_development_clips_is_read():
    clips = read_truth(REAL)
    assert [clip.name[:2] for clip in clips] == [f"{number:02}" for number in range(1, 17)]
    assert sum(len(clip.impacts_s) for clip in clips) == 54
    assert all(len(clip.sha256) == 64 for clip in clips)


def test_a_labelled_clip_knows_contacts_stretches_and_mass(tmp_path):
    (truth,) = read(tmp_path, CLIP)
    picture = Video(frames=np.zeros((2, 16, 16, 3), np.uint8), times_s=np.array([0.0, 1.0]))
    clip = truth.labelled(MemorySource(picture))
    assert [contact.time_s for contact in clip.contacts] == [0.4, 1.2]
    assert not clip.is_scored(1.9)
    (entry,) = clip.physics
    assert entry.object.label == "drumstick"
    assert entry.mass_kg == pytest.approx(0.06)
    assert entry.mass_kg * np.exp(entry.mass_log_std) == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration_s": 0}, "a.mp4: duration_s must be above 0"),
        ({"impacts_s": None}, "a.mp4: impacts_s must be a JSON array"),
        ({"impacts_s": ["0.4"]}, "a.mp4: impacts_s must be a number"),
        ({"impacts_s": [1200]}, "impacts_s has the time 1200; expected seconds from 0 to"),
        ({"unscored_s": [[1.0, 1.0]]}, "a.mp4: unscored_s must be stretches"),
        ({"unscored_s": [[1.0]]}, "unscored_s must have rows of 2 numbers"),
        ({"ignore_s": []}, "unscored_s and ignore_s mean the same"),
        ({"mass_range_kg": [0.2, 0.1]}, r"mass_range_kg must be \[least, most\]"),
        ({"speeds": [[0.1, -1.0]]}, "speeds must be"),
        ({"points": [[0.1, 320, 200]]}, "in shares of width and height"),
        ({"objects": [1]}, "objects must be a string"),
        ({"time_scale": -1}, "time_scale must be above 0"),
        ({"kind": 3}, "kind must be a string"),
    ],
)
def test_wrong_values_are_named_with_file_clip_and_key(tmp_path, change, message):
    with pytest.raises(FormatError, match=message) as caught:
        read(tmp_path, {**CLIP, **change})
    assert "truth.json" in str(caught.value)


def test_missing_keys_and_other_documents_are_refused(tmp_path):
    without = {key: value for key, value in CLIP.items() if key != "impacts_s"}
    with pytest.raises(FormatError, match=r'a\.mp4 lacks "impacts_s"'):
        read(tmp_path, without)
    with pytest.raises(FormatError, match="no truth file of clips"):
        read(tmp_path, CLIP, format="pavas.physics", format_version=1)
    with pytest.raises(FormatError, match="reads up to 1"):
        read(tmp_path, CLIP, format="pavas.truth", format_version=2)
    with pytest.raises(FormatError, match="without a folder"):
        read(tmp_path, CLIP, name="../a.mp4")
    path = tmp_path / "empty.json"
    path.write_text('{"clips": {}}')
    with pytest.raises(FormatError, match='"clips" is empty'):
        read_truth(path)
