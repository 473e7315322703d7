"""Curating impacts: proposed by the estimators, reviewed in a real browser, checked, measured."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from browser_world import Browser, needs_browser

from pavas_sdk.cli.main import run
from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, OutputError
from pavas_sdk.evaluation.curation.review import Review
from pavas_sdk.evaluation.curation.review_server import ReviewServer
from pavas_sdk.evaluation.impact_list import ImpactList, ListedClip, ListedImpact, read_impact_list
from pavas_sdk.media import mux

EXAMPLE = Path(__file__).parents[2] / "examples" / "clips" / "bouncing_ball.mp4"
IMPACTS_S = (1.111, 1.776, 2.283, 2.65, 2.892)


def clicks(times_s, seconds=4.0, rate_hz=16000):
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.zeros(t.size)
    for index, time_s in enumerate(times_s):
        age = np.maximum(t - time_s, 0)
        wave += 0.6 / (1 + index) * np.exp(-60 * age) * np.sin(5600 * age) * (t >= time_s)
    return Audio(samples=wave.astype(np.float32), sample_rate_hz=rate_hz)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """The example clip with its impacts as sound."""
    folder = tmp_path_factory.mktemp("videos") / "ball"
    folder.mkdir()
    mux(EXAMPLE, clicks(IMPACTS_S), folder / "bounce.mp4")
    return folder


@pytest.fixture
def listed(tmp_path):
    impacts = (
        ListedImpact(time_s=1.10, object="ball", mass_kg=2.0, status="proposed"),
        ListedImpact(time_s=1.78, status="proposed"),
        ListedImpact(time_s=3.2, status="proposed"),
    )
    clips = (ListedClip(clip_id="bounce", category="ball", impacts=impacts),)
    path = tmp_path / "list.json"
    path.write_text(ImpactList(clips=clips, name="bounces").dumps())
    return path


@pytest.fixture
def server(listed, videos):
    with ReviewServer(Review(listed, {"bounce": videos / "bounce.mp4"}, curator="anna")) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def asked(server, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url.rstrip("/") + path, data=data, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as err:
        return err.code, json.load(err)


def test_proposals_are_where_sound_and_picture_agree(videos, tmp_path, capsys):
    out = tmp_path / "impacts.json"
    assert run(["impacts", "propose", "--videos", str(videos), "-o", str(out)]) == 0
    (clip,) = read_impact_list(out).clips
    assert (clip.clip_id, clip.category) == ("bounce", "ball")
    assert clip.duration_s == pytest.approx(4.0, abs=0.1)
    assert len(clip.impacts) >= 3
    for impact in clip.impacts:
        assert impact.status == "proposed"
        assert min(abs(impact.time_s - time_s) for time_s in IMPACTS_S) < 0.02
        assert impact.mass_kg > 0
        assert impact.v_pre_mps > 0
        assert 0 <= impact.confidence <= 1
    assert run(["impacts", "propose", "--videos", str(videos), "-o", str(out)]) == 2
    assert "its decisions" in capsys.readouterr().err
    assert run(["impacts", "check", str(out)]) == 1
    assert "no impact is accepted" in capsys.readouterr().out


def test_only_its_own_page_may_change_the_list(server, listed):
    before = listed.read_text()
    status, answer = asked(server, "/moment/0", {"status": "accepted"})
    assert (status, "own page" in answer["error"]) == (403, True)
    secret = {"X-Review-Secret": server.secret}
    assert asked(server, "/list", Host="evil.example")[0] == 403
    assert (
        asked(server, "/moment/0", {"status": "accepted"}, Host="evil.example", **secret)[0] == 403
    )
    assert asked(server, "/moment/9", {"status": "accepted"}, **secret)[0] == 409
    assert asked(server, "/moment/0", {"status": "maybe"}, **secret)[0] == 409
    assert asked(server, "/moment/0", {"id": "x"}, **secret)[0] == 409
    assert asked(server, "/../etc/passwd")[0] == 404
    assert listed.read_text() == before
    status, answer = asked(server, "/moment/0", {"status": "accepted", "mass_kg": None}, **secret)
    assert (status, answer["status"]) == (200, "accepted")
    changed = read_impact_list(listed)
    assert changed.curator == "anna"
    assert changed.clips[0].impacts[0] == ListedImpact(time_s=1.1, object="ball", status="accepted")
    with pytest.raises(ConfigurationError, match="port"):
        ReviewServer(server.review, port=server.server_address[1])


def test_a_list_that_somebody_else_changed_is_left_alone(listed, videos):
    review = Review(listed, {"bounce": videos / "bounce.mp4"})
    listed.write_text(listed.read_text() + "\n")
    with pytest.raises(OutputError, match="changed by somebody else"):
        review.change(0, {"status": "accepted"})
    assert review.to_json()["moments"][0]["status"] == "proposed"


def press(browser, key, **more):
    options = json.dumps({"key": key, "bubbles": True, **more})
    browser.js(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {options}))")


@needs_browser
def test_reviewed_by_keyboard(server, listed, tmp_path):
    browser = Browser(tmp_path / "profile")
    try:
        browser.goto(server.url)
        browser.wait("media && buffer && document.querySelectorAll('#moments li').length === 3")
        browser.wait("by('picture').naturalWidth > 0 && by('spectrogram').naturalWidth > 0")
        assert browser.js("by('when').textContent").startswith("1.100 s")
        press(browser, " ")
        browser.wait("playing && playhead !== 1.1")
        press(browser, " ")
        browser.js("seek(1.10)")
        press(browser, "ArrowRight")
        stepped_s = browser.js("playhead")
        press(browser, "ArrowRight", shiftKey=True)
        assert browser.js("playhead") == pytest.approx(stepped_s + 0.005)
        press(browser, "m")
        browser.wait("by('state').textContent === 'saved'")
        browser.js(
            "by('facts').elements.v_pre_mps.value = '4.5';"
            "by('facts').elements.v_pre_mps.dispatchEvent(new Event('change', {bubbles: true}))"
        )
        browser.wait("moments[0].v_pre_mps === 4.5")
        browser.screenshot(tmp_path / "review.png")
        press(browser, "a")
        browser.wait("current === 1 && moments[0].status === 'accepted' && media.start_s > 1.2")
        press(browser, "j")
        browser.wait("current === 2 && media.start_s > 2.5")
        press(browser, "r")
        browser.wait("moments[2].status === 'rejected'")
        browser.js("seek(2.9)")
        press(browser, "n")
        browser.wait("moments.length === 4 && moments[current].time_s === 2.9")
        press(browser, "o")
        browser.wait("moments[current].time_s === 1.78")
        assert browser.js("by('count').textContent") == "2 accepted, 1 rejected, 1 open"
        assert browser.complaints == []
        assert all(url.startswith(("data:", server.url)) for url in browser.requests)
    finally:
        browser.close()
    impacts = read_impact_list(listed).clips[0].impacts
    assert [impact.status for impact in impacts] == ["accepted", "proposed", "accepted", "rejected"]
    assert impacts[0].time_s == pytest.approx(stepped_s + 0.005, abs=1e-3)
    assert impacts[0].v_pre_mps == 4.5
    assert impacts[2].note == "added by hand"
