"""Arms of an ablation, and differences of arms on the same draws of clips and seeds."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import ClipMeasurement
from pavas_sdk.evaluation.ablation import AblationRow
from pavas_sdk.evaluation.ablation_table import FIGURES, ablation_table
from pavas_sdk.evaluation.clip import ImpactMeasurement
from pavas_sdk.evaluation.result_table import merge_results
from pavas_sdk.evaluation.table_text import table_html, table_markdown

TITLES = {"longer": "+ Trained longer", "mass": "+ mass only"}
CLIPS, DRAWS = 12, 60


def row(clip_id, rng, *, error_db, noise):
    """A clip of two impacts whose level is off by `error_db`, and whose rank `noise` disturbs."""
    impacts = []
    for k in range(2):
        energy = float(np.random.default_rng([clip_id, k]).lognormal())
        level = -30.0 + 7.2 * np.log10(energy)
        impacts.append(
            ImpactMeasurement(
                time_s=1.0 + k,
                energy_j=energy,
                window_energy_j=energy,
                strength=float(energy**0.36 * rng.lognormal(sigma=noise)),
                strength_reference=energy**0.36,
                level_db=level + error_db + noise * float(rng.normal()),
                level_reference_db=level,
                error_s=0.0,
            )
        )
    measured = ClipMeasurement(
        clip_id=clip_id,
        category=("drop", "strike")[clip_id % 2],
        impacts=tuple(impacts),
        contacts=2,
        onsets_s=(),
        false_onsets=0,
        false_onsets_reference=0,
        seconds=2.0,
    )
    true = np.random.default_rng(clip_id).normal(size=4)
    return AblationRow(
        measured=measured,
        made=tuple((true + noise * rng.normal(size=4)).tolist()),
        true=tuple(true),
    )


def arm(seeds, *, error_db, noise):
    return {
        seed: [
            row(clip, np.random.default_rng([clip, seed]), error_db=error_db + seed, noise=noise)
            for clip in range(CLIPS)
        ]
        for seed in seeds
    }


def table(rows, **options):
    return ablation_table(
        rows,
        TITLES,
        settings={},
        compared=[("mass", "longer"), ("both", "longer")],
        draws=DRAWS,
        **options,
    )


def test_an_error_that_both_arms_share_is_not_in_the_interval_of_their_difference():
    # every seed has an error of its own, the same in both arms; mass is 2 dB nearer in each
    rows = {
        "longer": arm((0, 1, 2), error_db=10.0, noise=0.0),
        "mass": arm((0, 1, 2), error_db=8.0, noise=0.0),
    }
    made = table(rows)
    longer = made["models"]["+ Trained longer"]["metrics"]["level_error_db"]
    assert longer["seeds"] == pytest.approx([10.0, 11.0, 12.0])
    low, high = longer["interval"]
    assert high - low > 1.0  # of one seed alone it would be 0
    (difference,) = made["differences"]  # of the pair whose arms are there
    assert (difference["first"], difference["second"]) == ("+ mass only", "+ Trained longer")
    figure = difference["metrics"]["level_error_db"]
    assert figure["value"] == pytest.approx(-2.0)
    assert figure["seeds"] == pytest.approx([-2.0] * 3)
    assert figure["interval"] == pytest.approx([-2.0, -2.0])


def test_the_interval_is_of_draws_made_by_hand():
    rows = {
        "longer": arm((0, 1), error_db=6.0, noise=2.0),
        "mass": arm((0, 1), error_db=5.0, noise=1.0),
    }
    (difference,) = table(rows, seed=4)["differences"]
    # the same draws, and the level error as a plain mean over impacts
    clips = np.random.default_rng(4)
    seeds = np.random.default_rng(5)
    drawn = [clips.integers(0, CLIPS, CLIPS) for _ in range(DRAWS)]
    picked = [seeds.integers(0, 2, 2) for _ in range(DRAWS)]

    def error(name, seed, chosen):
        impacts = [impact for clip in chosen for impact in rows[name][seed][clip].measured.impacts]
        return np.mean([abs(impact.level_db - impact.level_reference_db) for impact in impacts])

    apart = [
        np.mean([error("mass", s, chosen) - error("longer", s, chosen) for s in own])
        for chosen, own in zip(drawn, picked, strict=True)
    ]
    figure = difference["metrics"]["level_error_db"]
    assert figure["interval"] == pytest.approx(np.quantile(apart, [0.025, 0.975]).tolist())
    for name in FIGURES:
        metric = difference["metrics"][name]
        assert metric["interval"][0] < metric["value"] < metric["interval"][1]
        assert metric["value"] == pytest.approx(np.mean(metric["seeds"]))


def test_arms_are_compared_over_the_seeds_that_both_have():
    longer = arm((0, 1, 2), error_db=10.0, noise=1.0)
    mass = arm((1,), error_db=8.0, noise=1.0)
    (one,) = table({"longer": longer, "mass": mass})["differences"]
    (two,) = table({"longer": {1: longer[1]}, "mass": mass})["differences"]
    assert one == two
    assert len(one["metrics"]["level_error_db"]["seeds"]) == 1
    apart = {"longer": {0: longer[0]}, "mass": mass}
    assert table(apart)["differences"] == []


def test_an_undefined_figure_leaves_its_difference_undefined():
    def without_levels(entry):
        impacts = tuple(replace(i, level_db=float("nan")) for i in entry.measured.impacts)
        return replace(entry, measured=replace(entry.measured, impacts=impacts))

    longer = arm((0,), error_db=10.0, noise=1.0)
    mass = {0: [without_levels(entry) for entry in longer[0]]}
    (difference,) = table({"longer": longer, "mass": mass})["differences"]
    assert difference["metrics"]["level_error_db"] == {
        "value": None,
        "interval": None,
        "seeds": [None],
    }
    assert difference["metrics"]["apcc_delta"]["value"] == pytest.approx(0.0)


def test_tables_show_the_differences_and_old_results_have_none():
    rows = {
        "longer": arm((0, 1), error_db=10.0, noise=1.0),
        "mass": arm((0, 1), error_db=8.0, noise=1.0),
    }
    made = json.loads(json.dumps(table(rows), allow_nan=False))
    text = table_markdown(merge_results({"ablation": made}))
    (line,) = [line for line in text.splitlines() if line.startswith("| + mass only less")]
    value = made["differences"][0]["metrics"]["level_error_db"]["value"]
    assert f"**{value:+.3f} (" in line  # its interval is without zero
    assert "less + Trained longer" in table_html(merge_results({"ablation": made}))
    del made["differences"]
    assert "less" not in table_markdown(merge_results({"ablation": made}))


def test_other_clips_are_refused():
    longer = arm((0,), error_db=10.0, noise=1.0)
    with pytest.raises(InputError, match="the same clips"):
        table({"longer": longer, "mass": {0: longer[0][:-1]}})
