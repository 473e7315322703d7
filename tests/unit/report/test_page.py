"""The page: complete, self-contained, and safe with any text in it."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import av
import numpy as np
import pytest

from pavas_sdk.data import Audio, ComponentRef, MovingObject, PhysicsEstimate
from pavas_sdk.errors import ConfigurationError, OutputExistsError
from pavas_sdk.media import MemorySource
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.report import ReportInput, write_report
from pavas_sdk.report.origin import settings_html
from pavas_sdk.report.page import report_html
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)

NASTY = '</script><img src=x onerror="alert(1)">&{{video}}\u2028'


class Page(HTMLParser):
    """Everything that a browser would look at."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.words = [], [], {}, []
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag == "script":
            self._script = dict(attrs).get("id", "main")
            self.scripts[self._script] = ""

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script is not None:
            self.scripts[self._script] += data
        else:
            self.words.append(data)


def noise(seconds, rate=16000):
    samples = 0.2 * np.random.default_rng(0).standard_normal((1, round(seconds * rate)))
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=rate)


@pytest.fixture(scope="module")
def clip():
    return moving_discs(2, frames=50, hidden=(10, 16))


@pytest.fixture(scope="module")
def given(clip):
    result = PhysicsEstimator(
        moving_object_detector=BrightDetector(),
        segmenter=BrightSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
    ).estimate(clip.source)
    return ReportInput(
        title="discs.mp4",
        source=clip.source,
        physics=result.physics,
        masks=clip.masks,
        sound=noise(2.0),
        recorded=noise(2.1, 8000),
        provenance={"model": "untrained", "seed": 7, "notes": ["a note"], "versions": {"x": "1"}},
    )


def test_it_asks_for_nothing(given):
    page = Page(report_html(given))
    (policy,) = [
        value for tag, name, value in page.attributes if name == "content" and "src" in value
    ]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    for tag, name, value in page.attributes:
        if name in ("src", "href", "poster", "data", "action"):
            assert value.startswith("data:image/png"), (tag, name)
    text = report_html(given)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    for word in ("fetch(", "XMLHttpRequest", "import(", "http://", "https://"):
        assert word not in page.scripts["main"] + style


def test_everything_is_in_it(given, clip):
    page = Page(report_html(given))
    data = json.loads(page.scripts["data"])
    assert [thing["id"] for thing in data["objects"]] == [0, 1]
    first = data["objects"][0]
    assert len(first["shown"]) == len(first["outlines"]) == len(first["centres"]) == 50
    assert first["outlines"][12] == first["centres"][12] == []  # hidden: nothing is drawn
    assert first["speed"][12] is None
    assert len(first["outlines"][0]) == 1
    rows, columns = np.nonzero(clip.masks[0].masks[0])
    place = (columns.mean() + 0.5) / 64 * data["grid"], (rows.mean() + 0.5) / 48 * data["grid"]
    np.testing.assert_allclose(first["centres"][0], place, atol=1)
    assert len(data["impacts"]) == len(given.physics.impacts()) > 0
    physics = PhysicsEstimate.from_json(json.loads(page.scripts["physics"]))
    assert physics.dumps() == given.physics.dumps()
    words = " ".join(page.words)
    for wanted in ("discs.mp4", "Kinetic energy", "untrained", "a note", "licence", "not seen"[:3]):
        assert wanted in words


def test_the_video_is_the_clip_with_the_generated_sound(given, clip):
    page = Page(report_html(given))
    with av.open(io.BytesIO(base64.b64decode(page.scripts["video-data"]))) as container:
        frames = list(container.decode(video=0))
        assert [frame.time for frame in frames] == pytest.approx(clip.video.times_s.tolist())
        picture = frames[20].to_ndarray(format="rgb24").astype(int)
        assert np.abs(picture - clip.video.frames[20]).mean() < 8
    with av.open(io.BytesIO(base64.b64decode(page.scripts["video-data"]))) as container:
        assert container.streams.audio[0].rate == 16000
    for name, rate, seconds in (("generated", 16000, 2.0), ("recorded", 8000, 2.0)):
        with av.open(io.BytesIO(base64.b64decode(page.scripts[f"{name}-data"]))) as container:
            heard = sum(frame.samples for frame in container.decode(audio=0))
            assert heard == seconds * rate


def test_text_from_outside_stays_text(given):
    entry = given.physics.objects[0]
    thing = MovingObject(object_id=0, label=NASTY, action=NASTY)
    physics = replace(
        given.physics,
        objects=(replace(entry, object=thing, sources={"mass": NASTY}), *given.physics.objects[1:]),
        notes=(NASTY,),
        edits=(NASTY,),
        provenance={
            "segmenter": ComponentRef(
                kind="segmenter", name=NASTY, licence=NASTY, config={"x": NASTY}
            )
        },
    )
    text = report_html(
        replace(given, title=NASTY, physics=physics, provenance={"model": NASTY, "prompt": NASTY})
    )
    page = Page(text)
    plain = Page(report_html(given))
    assert page.tags.count("script") == plain.tags.count("script")
    assert page.tags.count("img") == plain.tags.count("img") == 2
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert json.loads(page.scripts["data"])["objects"][0]["label"] == NASTY
    assert " ".join(page.words).count("{{video}}") >= 6  # and is not filled in


@pytest.mark.parametrize("lacks", ["sound", "masks", "masses", "speeds", "objects", "everything"])
def test_something_may_be_missing(given, lacks):
    physics = given.physics
    if lacks == "masses":
        physics = replace(physics, objects=tuple(replace(o, mass_kg=None) for o in physics))
    if lacks == "speeds":
        nothing = {"speed_times_s": np.zeros(0), "speed_m_s": np.zeros(0)}
        nothing |= {"speed_std_m_s": None, "velocity_m_s": None}
        physics = replace(physics, objects=tuple(replace(o, **nothing) for o in physics))
    if lacks in ("objects", "everything"):
        physics = replace(physics, objects=(), provenance={})
    silent = lacks in ("sound", "everything")
    report = replace(
        given,
        physics=physics,
        masks={} if lacks in ("masks", "objects", "everything") else given.masks,
        sound=None if silent else given.sound,
        recorded=None if silent else given.recorded,
        provenance={} if silent else given.provenance,
    )
    page = Page(report_html(report))
    words = " ".join(page.words)
    assert ("no object has both a mass and a speed" in words) == (lacks in ("masses", "speeds"))
    assert ("No moving object" in words) == (lacks in ("objects", "everything"))
    assert ("mass unknown" in words) == (lacks == "masses")
    assert (page.tags.count("img") == 0) == silent
    assert ("Nothing is recorded" in words) == (lacks in ("objects", "everything"))


def test_licences_are_told(given):
    refs = {
        "reconstructor": ComponentRef(
            kind="reconstructor",
            name="cut3r",
            distribution="pavas-cut3r",
            licence="CC-BY-NC-SA-4.0",
        ),
        "segmenter": ComponentRef(kind="segmenter", name="mine"),
    }
    words = " ".join(
        Page(report_html(replace(given, physics=replace(given.physics, provenance=refs)))).words
    )
    assert "CC-BY-NC-SA-4.0 · not for commercial use" in words
    assert "licence unknown" in words


def test_masses_by_hand_and_ranges(given):
    physics = given.physics.with_mass(0, 5.0)
    physics = replace(
        physics, objects=(physics[0], replace(physics[1], mass_kg=0.1, mass_log_std=np.log(2)))
    )
    text = report_html(replace(given, physics=physics))
    assert "set by hand" in text
    assert "50 g to 200 g" in text
    assert "mass of object 0 set to 5 kg" in text


def test_a_page_is_made_whole_or_not_at_all(given, tmp_path):
    path = write_report(tmp_path / "new" / "page.html", given)
    assert path.read_text("utf-8").endswith("</html>\n")
    with pytest.raises(OutputExistsError):
        write_report(path, given)
    write_report(path, given, max_side=64, overwrite=True)
    with pytest.raises(ConfigurationError):
        write_report(path, given, max_side=3, overwrite=True)
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]


def test_a_long_clip_comes_in_parts(clip, given):
    clip = moving_discs(1, frames=130)  # 5.2 s: three windows
    physics = replace(given.physics, objects=(), duration_s=5.2)
    report = ReportInput(title="x.mp4", source=MemorySource(clip.video), physics=physics)
    page = Page(report_html(report))
    with av.open(io.BytesIO(base64.b64decode(page.scripts["video-data"]))) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(clip.video.times_s.tolist(), abs=1e-4)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium")
def test_in_a_browser(given, tmp_path):
    path = write_report(tmp_path / "page.html", given)
    answer = subprocess.run(
        [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=4000",
            "--enable-logging=stderr",
            f"{path.as_uri()}#t=0.5",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = re.sub(r"\s+", " ", answer.stdout)
    assert 'id="readout" class="readout"><span><b style="--c: #ff9f40;">bright thing 0</b>' in shown
    assert 'href="blob:' in shown
    assert "CONSOLE" not in answer.stderr, answer.stderr


def test_where_numbers_come_from_is_said_in_words(given):
    first = given.physics.objects[0]
    sources = {"mass": "size-prior", "scale": "acme-lidar"}
    objects = (replace(first, sources=sources), *given.physics.objects[1:])
    words = " ".join(
        Page(report_html(replace(given, physics=replace(given.physics, objects=objects)))).words
    )
    assert "mass guessed from the size · scale acme-lidar" in words
    assert "size-prior" not in words


def test_a_quiet_sound_is_said_to_be_drawn_larger(given):
    samples = np.zeros((1, 16000), dtype=np.float32)
    samples[0, 8000] = 0.01
    quiet = replace(given, sound=Audio(samples=samples, sample_rate_hz=16000))
    loud = replace(given, sound=Audio(samples=samples * 99, sample_rate_hz=16000))
    assert "peak -40.0 dBFS, drawn 100×" in " ".join(Page(report_html(quiet)).words)
    assert "drawn" not in " ".join(Page(report_html(loud)).words)


def test_settings_are_shown_as_people_write_them():
    shown = settings_html({"gain_db": 28.00256693115191, "physics_guidance_scale": 1.75, "seed": 7})
    assert "<dd>28</dd>" in shown
    assert "<dd>1.75</dd>" in shown
    assert "<dd>7</dd>" in shown
