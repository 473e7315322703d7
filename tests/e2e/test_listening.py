"""A listening test: prepared, answered in a real browser, scored."""

import json

import numpy as np
import pytest
from browser_world import Browser, needs_browser

from pavas_sdk.cli.main import run
from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import FormatError, InputError, OutputExistsError
from pavas_sdk.evaluation.listening.answers import Answer, Rater, careless, read_answers
from pavas_sdk.evaluation.listening.scores import holm, score_listening
from pavas_sdk.evaluation.listening.study import QUESTIONS, prepare_study, read_key
from pavas_sdk.media import write_audio, write_video

MODELS = ("ours", "theirs")
CLIPS = ("bat", "drum", "cup")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    root = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for model in MODELS:
        (root / model).mkdir()
        for clip in CLIPS:
            noise = (0.1 * rng.normal(size=4000)).astype(np.float32)
            write_audio(root / model / f"{clip}.wav", Audio(samples=noise, sample_rate_hz=16000))
    return root


@pytest.fixture(scope="module")
def study(sounds, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "test"
    models = {model: sounds / model for model in MODELS}
    prepare_study(models, out, clips_per_rater=3, checks=1, title="Hits & <misses>")
    return out


def test_nothing_on_the_page_says_whose_a_sound_is(study):
    key = read_key(study / "key.json")
    assert key.trials == 3 * 2 + 1 + 1
    assert set(key.items.values()) == {(clip, model) for clip in CLIPS for model in MODELS}
    site = study / "site"
    names = [path.name for path in site.rglob("*")]
    page = (site / "index.html").read_text()
    for word in (*MODELS, *CLIPS):
        assert not any(word in name for name in names)
        assert word not in page
    assert "key.json" not in names
    assert "http" not in page
    assert sorted(path.stem for path in (site / "media").iterdir()) == sorted(key.items)


def test_the_same_seed_gives_the_same_study(sounds, study, tmp_path):
    models = {model: sounds / model for model in MODELS}
    again = prepare_study(models, tmp_path / "again", clips_per_rater=3, checks=1)
    assert again.items == read_key(study / "key.json").items
    fewer = prepare_study(models, tmp_path / "fewer", clips=2, seed=1)
    assert len(fewer.items) == 4
    assert not set(fewer.items) & set(again.items)
    with pytest.raises(OutputExistsError, match="exists"):
        prepare_study(models, tmp_path / "fewer")
    with pytest.raises(InputError, match="no folder"):
        prepare_study({**models, "x": tmp_path / "none"}, tmp_path / "more")
    assert not (tmp_path / "more").exists()


def test_sounds_under_pictures(sounds, tmp_path):
    frames = np.full((8, 32, 48, 3), 90, np.uint8)
    (tmp_path / "videos").mkdir()
    for clip in CLIPS:
        video = Video(frames=frames, times_s=np.arange(8) / 32)
        write_video(tmp_path / "videos" / f"{clip}.mp4", video)
    out = tmp_path / "out"
    words = ["evaluate", "listening", "prepare", "-o", str(out), "--clips-per-rater", "2"]
    words += ["--videos", str(tmp_path / "videos")]
    for model in MODELS:
        words += ["--generated", str(sounds / model)]
    assert run(words) == 0
    assert len(list((out / "site" / "media").glob("*.mp4"))) == 6
    (tmp_path / "videos" / "cup.mp4").unlink()
    assert run([*words[:4], str(tmp_path / "other"), *words[5:]]) == 2


def rater(key, name, rng, *, better="ours", seconds=3.0, checks=True, repeat_off=0):
    """Answers of somebody who likes one model more."""
    answers, first = [], {}
    for item, (_, model) in key.items.items():
        base = 4 if model == better else 2
        scores = {q: int(np.clip(base + rng.integers(-1, 2), 1, 5)) for q in QUESTIONS}
        first[item] = scores
        answers.append(Answer(item=item, kind="sound", scores=scores, seconds=seconds))
    item = next(iter(key.items))
    again = {q: int(np.clip(v + repeat_off, 1, 5)) for q, v in first[item].items()}
    answers.append(Answer(item=item, kind="repeat", scores=again, seconds=seconds))
    said = dict.fromkeys(QUESTIONS, 4 if checks else 3)
    answers.append(Answer(item=item, kind="check", scores=said, seconds=seconds, wanted=4))
    return Rater(name=name, answers=tuple(answers))


def test_scores_find_the_better_model(study):
    key, rng = read_key(study / "key.json"), np.random.default_rng(1)
    raters = [rater(key, f"r{k}", rng) for k in range(12)]
    result = score_listening(key, raters)
    own = {m: result["models"][m]["metrics"]["audio_quality"] for m in MODELS}
    assert own["ours"]["value"] > 3.5 > 2.5 > own["theirs"]["value"]
    assert own["ours"]["ratings"] == 36
    low, high = own["ours"]["interval"]
    assert low <= own["ours"]["value"] <= high
    assert all(row["p_holm"] < 0.01 for row in result["pairwise"])
    assert result["pairwise"][0]["difference"] > 1
    assert json.dumps(score_listening(key, raters)) == json.dumps(result)


def test_careless_raters_are_dropped_by_the_rule(study):
    key, rng = read_key(study / "key.json"), np.random.default_rng(2)
    good = [rater(key, f"r{k}", rng) for k in range(3)]
    hasty = rater(key, "hasty", rng, seconds=0.1)
    blind = rater(key, "blind", rng, checks=False)
    fickle = rater(key, "fickle", rng, repeat_off=4)
    gone = Rater(name="gone", answers=good[0].answers[:4])
    result = score_listening(key, [*good, hasty, blind, gone])
    assert result["raters"] == 3
    assert {name: why[0].split(":")[0] for name, why in result["dropped"].items()} == {
        "hasty": "6 of 6 sounds answered before they end",
        "blind": "1 of 1 checks answered wrongly",
        "gone": "not finished",
    }
    apart = abs(fickle.answers[-2].mean - fickle.answers[0].mean)
    assert bool(careless(fickle, key)) == (apart > 1.5)
    assert all(row["p"] is None for row in result["pairwise"])  # three raters prove nothing
    with pytest.raises(InputError, match="none of 1 raters is left"):
        score_listening(key, [hasty])


def test_holms_correction():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_answers_of_something_else_are_refused(study, tmp_path):
    key = read_key(study / "key.json")
    item = next(iter(key.items))
    row = {"item": item, "kind": "sound", "answers": dict.fromkeys(QUESTIONS, 3), "seconds": 2}
    document = {
        "format": "pavas.listening.answers",
        "format_version": 1,
        "study": key.study,
        "rater": "r",
        "answers": [row],
    }
    path = tmp_path / "a.json"
    for change, error, message in (
        ({"study": "x"}, InputError, "answers the study"),
        ({"answers": [row, row]}, FormatError, "twice"),
        ({"answers": [{**row, "item": "x"}]}, FormatError, "no such page"),
        ({"answers": [{**row, "answers": dict.fromkeys(QUESTIONS, 6)}]}, FormatError, "1 to 5"),
        ({"answers": [{**row, "kind": "check"}]}, FormatError, "1 to 5"),
    ):
        path.write_text(json.dumps(document | change))
        with pytest.raises(error, match=message):
            read_answers([path], key)


CLICK = """
(() => {{
  for (const name of Object.keys(study.questions)) {{
    const field = by('answers').querySelector(`input[name=${{name}}][value="{score}"]`);
    field.checked = true;
    field.dispatchEvent(new Event('change', {{bubbles: true}}));
  }}
}})()
"""


@needs_browser
def test_answered_in_a_browser_and_scored(study, tmp_path, capsys):
    key = read_key(study / "key.json")
    browser = Browser(tmp_path / "profile", width=900, height=1000)
    try:
        page = (study / "site" / "index.html").as_uri()
        browser.goto(page)
        assert browser.js("document.title") == "Hits & <misses>"
        assert browser.js("by('trials').textContent") == str(key.trials)
        browser.js("by('begin').click()")
        assert browser.js("by('next').disabled && by('answers').querySelector('fieldset').disabled")
        for number in range(key.trials):
            if number == 3:  # closed and opened again: it goes on
                browser.goto(page)
                browser.js("by('begin').click()")
            browser.wait(f"state.answers.length === {number} && by('stage').firstChild")
            browser.js("by('stage').firstChild.play()")
            browser.wait("!by('answers').querySelector('fieldset').disabled")
            trial = browser.js("state.trials[state.answers.length]")
            model = key.items[trial["item"]][1]
            score = trial.get("wanted") or (5 if model == "ours" else 2)
            browser.js(CLICK.format(score=score))
            assert not browser.js("by('next').disabled")
            if number == 1:
                browser.screenshot(tmp_path / "trial.png", full=True)
            browser.js("by('next').click()")
        browser.wait("!by('end').hidden")
        saved = browser.js("fetch(by('save').href).then((answer) => answer.text())")
        assert browser.js("by('save').download").startswith("answers-")
        assert browser.complaints == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in browser.requests)
    finally:
        browser.close()
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "one.json").write_text(saved)
    words = ["evaluate", "listening", "score", str(tmp_path / "answers")]
    assert run([*words, "--key", str(study / "key.json"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["raters"] == 1
    assert result["models"]["ours"]["metrics"]["audio_quality"]["value"] == 5.0
    assert result["models"]["theirs"]["metrics"]["temporal_alignment"]["value"] == 2.0
