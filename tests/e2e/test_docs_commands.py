"""Every command has an example in the docs that runs: the line as it stands there, on small files.

To a line are added the words that make it quick. What other tests of the documentation run is named
in `ELSEWHERE`.
"""

from __future__ import annotations

import json
import shlex
import sys
import types
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest
from clip_files_world import write_clip
from docs_world import DOCS, ROOT, commands, runs_alone
from released_world import PRESET, write_official

from pavas_sdk.cli.main import cli, run
from pavas_sdk.data import Audio
from pavas_sdk.evaluation.listening.study import QUESTIONS, read_key
from pavas_sdk.media import write_audio
from pavas_sdk.registry import ComponentSpec, default_registry

HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
ELSEWHERE = {
    "annotate": ("tutorials/own-clips.md", "tests/e2e/test_own_clips.py"),
    "prepare": ("tutorials/own-clips.md", "tests/e2e/test_own_clips.py"),
    "train adapter": ("tutorials/own-clips.md", "tests/e2e/test_own_clips.py"),
    "train backbone": ("tutorials/own-clips.md", "tests/e2e/test_own_clips.py"),
    "train ema": ("how-to/train.md", "tests/e2e/test_own_clips.py"),
    "train lora": ("tutorials/own-clips.md", "tests/e2e/test_own_clips.py"),
    "adapters publish": ("tutorials/adapter.md", "tests/e2e/test_adapter_tutorial.py"),
    "adapters show": ("tutorials/adapter.md", "tests/e2e/test_adapter_tutorial.py"),
    # pages in a browser, until they are closed
    "ui": ("how-to/ui.md", "tests/e2e/test_ui.py"),
    "impacts review": ("how-to/vgg-impact.md", "tests/e2e/test_impact_review.py"),
    # hours at the size of the command; their miniatures
    "train tiny": ("how-to/train.md", "tests/unit/training/test_tiny.py"),
    "evaluate ablation": ("how-to/ablation.md", "tests/e2e/test_ablation.py"),
}
CLIPS = ("clip0", "clip1", "clip2")
TIMES_S = (0.2, 0.5, 0.8)


def taps(strengths, clip=0):
    """One second of decaying tones."""
    t = np.arange(16_000) / 16_000
    wave = np.zeros(t.size)
    for time_s, strength in zip(TIMES_S, strengths, strict=True):
        d = np.maximum(t - time_s, 0)
        wave += np.where(d > 0, strength * np.exp(-40 * d) * np.sin(5600 * (1 + clip) * d), 0)
    return Audio(samples=wave.astype(np.float32), sample_rate_hz=16_000)


def strengths(clip):
    return [0.1 + 0.1 * ((clip * 5 + 3 * k) % 7) for k in range(3)]


def sounds():
    """Folders of two models and of the true sounds, of the same clips."""
    for folder, gain in (("out/a", 0.8), ("out/b", 0.3), ("truth", 1.0), ("recorded", 1.0)):
        Path(folder).mkdir(parents=True)
        for number, clip in enumerate(CLIPS):
            loud = [gain * one for one in strengths(number)]
            write_audio(Path(folder) / f"{clip}.wav", taps(loud, number))
    for folder in ("videos", "vggsound"):
        Path(folder).mkdir()
        for clip in CLIPS:
            write_clip(Path(folder) / f"{clip}.mp4")


def impacts(*names):
    """Lists of impacts, decided by people."""
    known = [
        {
            "id": clip,
            "category": "hammering nails",
            "impacts": [
                {"time_s": t, "mass_kg": 0.2, "v_pre_mps": 5 * s, "v_post_mps": 0.0}
                for t, s in zip(TIMES_S, strengths(number), strict=True)
            ],
        }
        for number, clip in enumerate(CLIPS)
    ]
    for name in names:
        document("pavas.impacts", name, clips=known)


def document(form, path, **values):
    text = json.dumps({"format": form, "format_version": 1, **values})
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text)


def pairs():
    sounds()
    row = {"a": "clip0", "b": "clip1", "factor": "mass", "quantity": "level", "direction": 1}
    document("pavas.pairs", "pairs.json", pairs=[{**row, "impacts_s": list(TIMES_S)}])


def embeddings():
    recorded, own = Path("PhyAVBench/embeddings/gt_a2b/clap"), Path("embeddings/ours")
    rng = np.random.default_rng(0)
    for folder in (recorded, own):
        folder.mkdir(parents=True)
    np.save(recorded / "m01_c01_t01_s02_g001.npy", rng.normal(size=512))
    for side in "ab":
        np.save(own / f"m01_c01_t01_s02_g001_{side}.npy", rng.normal(size=512))


def results():
    sounds()
    impacts("impacts.json")
    follow("evaluate folder")
    follow("evaluate vgg-impact")


def answered():
    """A study of two models and the recordings, and what one careful rater said."""
    sounds()
    follow("evaluate listening prepare", "--clips 3 --clips-per-rater 3")
    key = read_key(Path("study/key.json"))
    rows = [
        {"item": i, "kind": "sound", "seconds": 9.0, "answers": varied(n)}
        for n, i in enumerate(key.items)
    ]
    said = dict.fromkeys(QUESTIONS, 2)
    check = {**rows[0], "kind": "check", "wanted": 2, "answers": said}
    rows += [check] * (key.trials - len(rows))
    answers = Path("answers")
    answers.mkdir()
    document(
        "pavas.listening.answers", answers / "a.json", study=key.study, rater="r", answers=rows
    )


def varied(number):
    return {question: 2 + (number + k) % 3 for k, question in enumerate(QUESTIONS)}


def masses():
    things = [{"name": "mug", "mass_kg": [0.25, 0.45]}, {"name": "brick", "mass_kg": 2.9}]
    document("pavas.masses", "my_things.json", things=things)


def follow(verb, quick=""):
    """Run the first line of the docs that begins with a command, and the words that make it quick."""
    line = next(
        line for page in HOW_TO for line in commands(page) if line.startswith(f"pavas {verb} ")
    )
    assert run([*shlex.split(line)[1:], *shlex.split(quick)]) == 0, line


@dataclass(frozen=True)
class Example:
    """How a line of the docs is run.

    Attributes:
        line: How it begins.
        needs: Writes the files that it names.
        quick: Words that are added; MODEL is an untrained pipeline.
        codes: What it may answer.
        makes: A file that must be there afterwards.
    """

    line: str
    needs: object = None
    quick: str = ""
    codes: tuple[int, ...] = (0,)
    makes: str = ""


EXAMPLES = {
    "generate": Example(
        "generate scene.mp4 -o out/ --stems",
        lambda: write_clip("scene.mp4"),
        "--model MODEL --steps 2",
        makes="out/scene.stem0-hammer.wav",
    ),
    "plugins check": Example("plugins check", quick="pavas-tiny/size-prior"),
    "plugins new": Example("plugins new acme-balls", makes="acme-balls/pyproject.toml"),
    "doctor": Example("doctor --clean out/", lambda: Path("out").mkdir(), codes=(0, 1)),
    "licences": Example("licences"),
    "adapters list": Example("adapters list"),
    "evaluate simulated": Example(
        "evaluate simulated --clips 200", quick="--model MODEL --clips 2 --steps 2"
    ),
    "evaluate edits": Example(
        "evaluate edits --clips 50", quick="--model MODEL --clips 1 --steps 2"
    ),
    "evaluate estimators": Example(
        "evaluate estimators --masses my_things.json",
        masses,
        "--mass-estimator size-prior",
        makes="out/masses.json",
    ),
    "evaluate folder": Example(
        "evaluate folder --generated ours=out/a",
        lambda: (sounds(), impacts("impacts.json")),
        makes="report/result.json",
    ),
    "evaluate vgg-impact": Example(
        "evaluate vgg-impact --impacts",
        lambda: (sounds(), impacts("impacts.json")),
        makes="report/vgg-impact.json",
    ),
    "evaluate pairs": Example("evaluate pairs --pairs", pairs),
    "evaluate phyavbench": Example("evaluate phyavbench PhyAVBench/ --embeddings", embeddings),
    "evaluate table": Example(
        "evaluate table report/result.json", results, makes="report/table.html"
    ),
    "evaluate listening prepare": Example(
        "evaluate listening prepare",
        sounds,
        "--clips 3 --clips-per-rater 3",
        makes="study/site/index.html",
    ),
    "evaluate listening score": Example(
        "evaluate listening score answers/", answered, makes="report/listening.json"
    ),
    "impacts propose": Example(
        "impacts propose --videos my_clips/",
        lambda: (Path("my_clips").mkdir(), write_clip("my_clips/disc.mp4")),
        codes=(0, 1),
        makes="mine.json",
    ),
    "impacts check": Example("impacts check", lambda: impacts("impacts.json")),
    "impacts agree": Example("impacts agree", lambda: impacts("anna.json", "ben.json")),
    "models download": Example(
        "models download NAME --from DIR", lambda: write_official(Path("DIR"))
    ),
    "models convert": Example(
        "models convert mmaudio-small-16k", lambda: write_official(Path("DIR")), makes="out/small"
    ),
}


def verbs(group=cli, before=()):
    """Names of all commands of the core."""
    plugins = cli.plugin_commands()
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from verbs(command, (*before, name))
        elif before or name not in plugins:
            yield " ".join((*before, name))


def test_no_command_is_forgotten():
    alone = [
        line.removeprefix("pavas ")
        for page in sorted(DOCS.rglob("*.md"))
        for line in commands(page)
        if runs_alone(line)
    ]
    run_by_docs = {
        verb for verb in verbs() if any(f"{line} ".startswith(f"{verb} ") for line in alone)
    }
    for verb, (page, test) in ELSEWHERE.items():
        assert f"pavas {verb}" in (DOCS / page).read_text("utf-8"), verb
        assert (ROOT / test).is_file(), test
    known = [*run_by_docs, *ELSEWHERE, *EXAMPLES]
    assert set(verbs()) == set(known)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_release(monkeypatch, tmp_path):
    """Released models are tiny here, under the names that the docs say."""
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    module = types.ModuleType("acme_released")
    module.tiny = PRESET
    monkeypatch.setitem(sys.modules, "acme_released", module)
    names = ("NAME", "mmaudio-small-16k")
    with ExitStack() as stack:
        for name in names:
            spec = ComponentSpec("pipeline", name, "acme_released:tiny", licence="MIT")
            stack.enter_context(default_registry().override(spec))
        yield


@pytest.mark.parametrize("verb", EXAMPLES)
def test_the_example_of_a_command_runs(verb, folder, model, request):
    example = EXAMPLES[verb]
    if verb.startswith("models "):
        request.getfixturevalue("tiny_release")
    lines = [line for page in HOW_TO for line in commands(page)]
    line = next(one for one in lines if f"{one} ".startswith(f"pavas {example.line}"))
    assert line.startswith(f"pavas {verb}")
    if example.needs is not None:
        example.needs()
    words = shlex.split(line)[1:] + shlex.split(example.quick.replace("MODEL", str(model)))
    assert run(words) in example.codes, line
    if example.makes:
        assert (folder / example.makes).exists()
