"""Work lists from folders, lists and tables."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.annotation import ClipEntry, JobFolder, read_clips
from pavas_sdk.errors import FormatError, InputError, PavasError


@pytest.fixture
def videos(tmp_path):
    for name in (
        "a.mp4",
        "b/c.MKV",
        "b/c.mp4",
        ".hidden/x.mp4",
        "note.txt",
        "zz_000030.mp4",
        "q.mp4",
    ):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "videos"


def test_folders_are_searched_and_named(videos):
    clips = read_clips([videos])
    assert [clip.clip_id for clip in clips] == ["a", "b/c.MKV", "b/c.mp4", "q", "zz_000030"]
    assert clips[0].path == str(videos / "a.mp4")


def test_vggsound_s_own_csv(videos, tmp_path):
    table = tmp_path / "vggsound.csv"
    table.write_text('zz,30,"dog barking, loud",train\nq,12,playing tabla,test\nnone,1,x,test\n')
    clips = {clip.clip_id: clip for clip in read_clips([table], videos=videos)}
    cut = clips["zz_000030"]
    assert (cut.path, cut.start_s) == (str(videos / "zz_000030.mp4"), 0.0)
    assert (cut.label, cut.split) == ("dog barking, loud", "train")
    whole = clips["q_000012"]
    assert (whole.path, whole.start_s) == (str(videos / "q.mp4"), 12.0)
    assert clips["none_000001"].path == str(videos / "none_000001.mp4")  # fails in its turn


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_tables_with_names(tmp_path, suffix):
    rows = [
        {"id": "one", "path": "a.mp4", "start": 1.5, "duration": 4, "label": "bell", "split": "x"},
        {"path": "b/other.mp4"},
    ]
    path = tmp_path / f"table{suffix}"
    if suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        mark = "," if suffix == ".csv" else "\t"
        names = list(rows[0])
        lines = [mark.join(str(row.get(name, "")) for name in names) for row in rows]
        path.write_text("\n".join([mark.join(names), *lines]))
    one, two = read_clips([path])
    assert one == ClipEntry(
        clip_id="one",
        path=str(tmp_path / "a.mp4"),
        start_s=1.5,
        duration_s=4.0,
        label="bell",
        split="x",
    )
    assert (two.clip_id, two.path) == ("other", str(tmp_path / "b/other.mp4"))


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"id": ["a"], "path": ["x.mp4"]}), tmp_path / "t.parquet")
    assert read_clips([tmp_path / "t.parquet"])[0].clip_id == "a"


def test_lists_of_paths_and_addresses(videos, tmp_path):
    (tmp_path / "list.txt").write_text("# mine\nvideos/a.mp4\n\nfile:///x/y.mp4\n")
    clips = read_clips([tmp_path / "list.txt"])
    assert {clip.path for clip in clips} == {str(videos / "a.mp4"), "file:///x/y.mp4"}
    clips = read_clips([f"file://{videos}/b"])
    assert [clip.clip_id for clip in clips] == ["c.MKV", "c.mp4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,path\na,x.mp4\na,y.mp4\n", "more than once: a"),
        ("id,path,start\na,x.mp4,-1\n", "not 0 s or later"),
        ("id,path,duration\na,x.mp4,nan\n", "not above 0"),
        ("id,label\n,bell\n", "row 1: it has neither an id nor a path; columns: id, label"),
        ("id,path,start\na,x.mp4,soon\n", "start_s is 'soon', expected a number of seconds"),
        ("", "no video in"),
    ],
)
def test_impossible_tables_are_told(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_clips([tmp_path / "t.csv"])


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="no such video"):
        read_clips([tmp_path / "nowhere"])
    with pytest.raises(InputError, match="no such list"):
        read_clips([tmp_path / "nowhere.csv"])
    with pytest.raises(InputError, match="no video in"):
        read_clips([tmp_path])
    with pytest.raises(InputError, match="cannot list"):
        read_clips(["nosuchprotocol://bucket"])


@given(content=st.binary(max_size=200), suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".txt"]))
def test_any_file_is_a_list_or_a_typed_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("any") / f"list{suffix}"
    path.write_bytes(content)
    try:
        clips = read_clips([path])
    except PavasError:
        return
    assert all(clip.clip_id and clip.path for clip in clips)


@given(st.text(min_size=1, max_size=300))
def test_any_id_has_a_file_of_its_own(name):
    folder = JobFolder("/job")
    path, other = folder.result_path(name), folder.result_path(name + "x")
    assert path != other
    assert path.parents[2].name == "job"
    assert len(path.name.encode()) < 200
    assert not path.name.startswith(".")


@pytest.mark.parametrize("line", ["{}", '{"clip_id": "", "path": "x"}', "[", "3"])
def test_a_damaged_work_list_is_told(tmp_path, line):
    (tmp_path / "clips.jsonl").write_text(line + "\n")
    with pytest.raises(FormatError):
        JobFolder(tmp_path).clips()
