"""The page of a folder evaluation: whole, self-contained, with pictures and players."""

import re

import numpy as np
import pytest

from pavas_sdk.data import Audio, Video
from pavas_sdk.evaluation import evaluate_folder
from pavas_sdk.evaluation.folder_files import FolderFiles
from pavas_sdk.evaluation.folder_page import folder_html
from pavas_sdk.evaluation.folder_table import folder_markdown
from pavas_sdk.media import write_audio, write_video


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    root = tmp_path_factory.mktemp("page")
    t = np.arange(16000) / 16000
    for name in ("truth", "model <b>", "videos"):
        (root / name).mkdir()
    for clip in range(3):
        wave = np.exp(-20 * t) * np.sin(2500 * t)
        audio = Audio(samples=(0.5 * wave).astype(np.float32), sample_rate_hz=16000)
        write_audio(root / "truth" / f"clip{clip}.wav", audio)
        if clip == 2:
            (root / "model <b>" / "clip2.wav").write_bytes(b"RIFF")
            continue
        softer = Audio(samples=(0.1 + 0.1 * clip) * wave.astype(np.float32), sample_rate_hz=16000)
        write_audio(root / "model <b>" / f"clip{clip}.wav", softer)
        frames = np.full((10, 48, 64, 3), 80 * clip, dtype=np.uint8)
        video = Video(frames=frames, times_s=np.arange(10) / 10, end_s=1.0)
        write_video(root / "videos" / f"clip{clip}.mp4", video)
    folders = {"model <b>": root / "model <b>"}, root / "truth"
    result = evaluate_folder(*folders, metrics=["onsets", "levels"])
    files = FolderFiles.find(*folders, videos=root / "videos")
    return result, files


@pytest.fixture(scope="module")
def page(measured):
    result, files = measured
    return folder_html(result, files, folder_markdown(result))


def test_it_asks_for_nothing_from_anywhere(page):
    assert re.findall("https?://", page) == []
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "default-src 'none'" in page


def test_pictures_and_players(page):
    assert page.count("<h2>Level error (dB): worst and best clips</h2>") == 1
    assert page.count('<article class="clip">') == 2
    assert page.count('<article class="clip good">') == 2
    assert 'class="strip"' in page
    assert page.count("<audio controls") >= 4
    assert "model &lt;b&gt;: cannot be read" in page
    assert "<b>" not in page


def test_worst_first(page):
    levels = page[page.index("Level error (dB): worst") :]
    names = re.findall(r'<article class="clip( good)?"><h3>(clip\d)', levels)
    assert names == [("", "clip2"), (" good", "clip1")]


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([0.0, 0.0, 0.5], [("", "clip0"), (" good", "clip2")]),
        ([0.5, 0.5, 0.5], [(" same", "clip2")]),
    ],
)
def test_clips_as_bad_as_the_worst_are_not_best_ones(measured, values, kinds):
    result, files = measured
    scores = {"clips": ["clip0", "clip1", "clip2"], "model <b>": values}
    page = folder_html({**result, "per_clip": {"onset_f1": scores}}, files, "")
    assert re.findall(r'<article class="clip( \w+)?"><h3>(clip\d)', page) == kinds
