"""``evaluate folder`` on simulated clips of three models: the truth, pavas-tiny, and the truth of other clips."""

import json
import math

import pytest

from pavas_sdk import PavasPipeline
from pavas_sdk.data.seeds import evaluation_seeds
from pavas_sdk.evaluation import evaluate_folder
from pavas_sdk.evaluation.folder_summary import METRICS
from pavas_sdk.media import write_audio
from pavas_sdk.simulation import simulate

CLIPS = 24
MODELS = ("truth", "tiny", "shuffled")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Clips of 4 s; pavas-tiny is given their true physics."""
    root = tmp_path_factory.mktemp("world")
    for folder in ("reference", *MODELS):
        (root / folder).mkdir()
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    clips = [simulate(seed).clip for seed in evaluation_seeds(0, CLIPS)]
    entries = []
    for number, clip in enumerate(clips):
        made = pipe(
            clip.source,
            prompt=clip.prompt,
            physics=clip.physics if len(clip.physics) else "none",
            masks=clip.masks or None,
            level="physical",
            seed=0,
        ).audio
        name = f"{clip.clip_id}.wav"
        other = clips[(number + 1) % CLIPS].audio
        sounds = {"reference": clip.audio, "truth": clip.audio, "tiny": made, "shuffled": other}
        for folder, audio in sounds.items():
            write_audio(root / folder / name, audio, subtype="float32")
        impacts = [  # half of 2 kg times a square is the energy
            {
                "time_s": hit.time_s,
                "mass_kg": 2.0,
                "v_pre_mps": math.sqrt(hit.energy_change_j),
                "v_post_mps": 0.0,
            }
            for hit in clip.contacts
            if math.isfinite(hit.energy_change_j)
        ]
        if impacts:
            entries.append({"id": str(clip.clip_id), "category": clip.action, "impacts": impacts})
    document = {"format": "pavas.impacts", "format_version": 1, "clips": entries}
    (root / "impacts.json").write_text(json.dumps(document))
    return root


def evaluated(world, **options):
    return evaluate_folder(
        {model: world / model for model in MODELS},
        world / "reference",
        impacts=world / "impacts.json",
        metrics=["onsets", "levels", "silence", "apcc"],
        **options,
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ordered_rightly_in_every_metric_twice_the_same_and_after_an_interrupt(world, tmp_path):
    result = evaluated(world)
    assert result["clips"]["count"] == CLIPS
    values = {
        name: [result["models"][model]["metrics"][name]["value"] for model in MODELS]
        for name in METRICS
    }
    for name, (truth, tiny, shuffled) in values.items():
        if name == "failed_share":
            assert truth == 0.0 <= tiny < shuffled, values
        elif METRICS[name].better == "higher":
            assert truth > tiny > shuffled, (name, values)
        else:
            assert truth < tiny < shuffled, (name, values)

    assert json.dumps(evaluated(world)) == json.dumps(result)

    def stop(done, total):
        if done == CLIPS // 2:
            raise KeyboardInterrupt

    rows = tmp_path / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        evaluated(world, path=rows, progress=stop)
    assert len(rows.read_text().splitlines()) == 1 + CLIPS // 2
    assert json.dumps(evaluated(world, path=rows)) == json.dumps(result)
