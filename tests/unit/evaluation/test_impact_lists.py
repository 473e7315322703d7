"""Lists of impacts: the format, VGGSound's table and folders, checks, and agreement of curators."""

import json

import numpy as np
import pytest

from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation.curation.agreement import agreement, cohens_kappa
from pavas_sdk.evaluation.curation.checks import check_list
from pavas_sdk.evaluation.curation.vggsound import (
    find_listed_videos,
    find_videos,
    read_classes,
    read_vggsound,
    select_classes,
)
from pavas_sdk.evaluation.impact_list import (
    ImpactList,
    ListedClip,
    ListedImpact,
    read_impact_list,
)

TABLE = """---g-f_I2yQ,1,people marching,test
--0PQM4-hqg,30,hammering nails,test
-0jeONf82dE,21,hammering nails,train
-1Nexb0Pxvc,7,"bee, wasp, etc. buzzing",test
"""


def clip(name, *impacts, category="tap", duration_s=10.0):
    rows = tuple(
        one if isinstance(one, ListedImpact) else ListedImpact(time_s=one) for one in impacts
    )
    return ListedClip(clip_id=name, category=category, impacts=rows, duration_s=duration_s)


def listed(*clips):
    return ImpactList(clips=clips, name="ours", curator="anna", created="2026-01-02")


def test_a_list_stays_as_it_is(tmp_path):
    whole = ListedImpact(
        time_s=1.25,
        object="hammer",
        mass_kg=0.5,
        v_pre_mps=4.0,
        v_post_mps=1.0,
        visible=False,
        confidence=0.75,
        status="proposed",
        note="behind the hand",
    )
    before = listed(clip("a", whole, 2.5), clip("b"))
    path = tmp_path / "list.json"
    path.write_text(before.dumps())
    assert read_impact_list(path) == before
    assert whole.energy_change_j == pytest.approx(0.5 * 0.5 * (16 - 1))


def test_the_digest_is_of_what_counts():
    first = listed(clip("a", 1.0, ListedImpact(time_s=2.0, status="rejected")), clip("b", 1.0))
    same = listed(
        clip("b", ListedImpact(time_s=1.0, note="clear")),
        clip("a", 1.0, ListedImpact(time_s=3.0, status="proposed")),
    )
    assert first.digest == same.digest
    for other in (
        listed(clip("a", 1.01), clip("b", 1.0)),
        listed(clip("a", ListedImpact(time_s=1.0, mass_kg=1.0)), clip("b", 1.0)),
        listed(clip("a", 1.0, category="hit"), clip("b", 1.0)),
        listed(clip("a", 1.0)),
    ):
        assert other.digest != first.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "maybe"}, "status"),
        ({"visible": 1}, "visible"),
        ({"mass_kg": -1}, "0 or more"),
        ({"time_s": None}, "time_s"),
        ({"note": 3}, "note"),
    ],
)
def test_wrong_moments(change, message):
    with pytest.raises(FormatError, match=message):
        ListedImpact.from_json({"time_s": 1.0} | change, "a")


def test_vggsound_table_and_its_ten_classes(tmp_path):
    path = tmp_path / "vggsound.csv"
    path.write_text(TABLE)
    clips = read_vggsound(path)
    assert [c.clip_id for c in clips][:2] == ["---g-f_I2yQ_000001", "--0PQM4-hqg_000030"]
    assert clips[3].label == "bee, wasp, etc. buzzing"
    picked = select_classes(clips, ["hammering nails"])
    assert [c.clip_id for c in picked] == ["--0PQM4-hqg_000030"]
    assert len(select_classes(clips, ["hammering nails"], split="")) == 2
    with pytest.raises(InputError, match="did you mean 'hammering nails'"):
        select_classes(clips, ["hammering nail"])
    ten = read_classes()
    assert len(ten) == len(set(ten)) == 10
    assert {"hammering nails", "basketball bounce"} <= set(ten)
    path.write_text("id,start,label,split\n")
    with pytest.raises(FormatError, match="line 1: expected YouTube id, start second"):
        read_vggsound(path)


@pytest.mark.parametrize(
    "name", ["--0PQM4-hqg_000030.mp4", "nails/--0PQM4-hqg_30.mkv", "--0PQM4-hqg_30000_40000.mp4"]
)
def test_videos_are_found_under_every_name(tmp_path, name):
    (tmp_path / "list.csv").write_text(TABLE)
    clips = read_vggsound(tmp_path / "list.csv")
    path = tmp_path / "videos" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    found, missing = find_videos(clips, tmp_path / "videos")
    assert found == {"--0PQM4-hqg_000030": path}
    assert len(missing) == 3
    assert find_listed_videos(["--0PQM4-hqg_000030", "x"], tmp_path) == found
    (tmp_path / "videos" / "--0PQM4-hqg_000030.webm").write_bytes(b"")
    with pytest.raises(InputError, match="more than once"):
        find_videos(clips, tmp_path / "videos")


def test_no_video_at_all_says_which_name_was_expected(tmp_path):
    (tmp_path / "list.csv").write_text(TABLE)
    with pytest.raises(InputError, match=r"names like ---g-f_I2yQ_000001\.mp4"):
        find_videos(read_vggsound(tmp_path / "list.csv"), tmp_path)


def whats(found, *, is_error):
    return [f"{f.where}: {f.what}" for f in found if f.is_error == is_error]


def test_a_good_list_has_no_errors():
    known = {"mass_kg": 1.0, "v_pre_mps": 2.0, "v_post_mps": 0.0}
    rows = [ListedImpact(time_s=0.5 + k, **known) for k in range(3)]
    assert check_list(listed(clip("a", *rows), clip("b", *rows, category="hit"))) == ()


def test_what_is_wrong_with_a_list_is_said():
    found = check_list(
        listed(
            clip("a", 1.0, 1.1, 12.0),
            clip("b", 1.0, category="hit"),
            clip("c", ListedImpact(time_s=1.0, status="proposed"), category="roll"),
        )
    )
    errors = "\n".join(whats(found, is_error=True))
    assert "hit: 1 accepted impacts" in errors
    assert "roll: 0 accepted impacts" in errors
    assert "1.000 and 1.100 s are less than 0.15 s apart" in errors
    assert "12.000 s is after the end" in errors
    notes = "\n".join(whats(found, is_error=False))
    assert "tap: 75% of all accepted" in notes
    assert "1 proposals are not decided" in notes
    assert "4 accepted impacts have no mass" in notes
    empty = check_list(listed(clip("a", ListedImpact(time_s=1.0, status="rejected"))))
    assert whats(empty, is_error=True) == [": no impact is accepted"]


def test_kappa_of_known_tables():
    # the textbook table: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no
    table = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohens_kappa(table) == pytest.approx(0.4)
    assert cohens_kappa([(True, True), (False, False)]) == 1.0
    assert np.isnan(cohens_kappa([(True, True)] * 4))
    assert np.isnan(cohens_kappa([]))


def no(time_s):
    return ListedImpact(time_s=time_s, status="rejected")


def test_agreement_pairs_moments_clip_by_clip():
    first = listed(clip("a", 1.0, 2.0, no(3.0)), clip("b", 1.0), clip("c", 5.0), clip("only", 1.0))
    second = listed(
        clip("a", 1.02, no(2.0), no(3.0)),
        clip("b", 1.04, 7.0),
        clip("c", ListedImpact(time_s=5.0, status="proposed")),
    )
    found = agreement(first, second)
    assert found["accepted"] == {"both": 2, "first_only": 1, "second_only": 1}
    assert (found["moments"], found["agreed"], found["clips"]) == (5, 3, 2)
    assert found["kappa"] == pytest.approx(
        cohens_kappa([(True, True), (True, False), (False, False), (True, True), (False, True)])
    )
    assert found["time_difference_ms"]["median"] == pytest.approx(30.0)
    assert found["time_difference_ms"]["bias"] == pytest.approx(30.0)
    assert found["undecided"] == ["c"]
    assert found["only_first"] == ["only"]
    json.dumps(found, allow_nan=False)
    with pytest.raises(InputError, match="share 1 clips, of which none is decided"):
        agreement(listed(clip("c", 1.0)), second)
