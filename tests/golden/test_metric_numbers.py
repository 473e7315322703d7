"""Metrics as functions of arrays against the public evaluation code, and mistakes that must show."""

import json
from pathlib import Path

import numpy as np
import pytest
from metric_goldens import FOLDER, logits, of_kind, rows, unit

from pavas_sdk.evaluation import (
    clap_score,
    cprs,
    desync,
    frechet_distance,
    imagebind_score,
    inception_score,
    kl_divergence,
)
from pavas_sdk.evaluation.embedding_scores import cosines
from pavas_sdk.evaluation.frechet import frechet_terms
from pavas_sdk.evaluation.inception import part_bounds
from pavas_sdk.evaluation.kl import log_softmax
from pavas_sdk.evaluation.pairing import pair_names, vggsound_name
from pavas_sdk.evaluation.synchronisation import offset_grid_s, offsets_s, sync_windows


@pytest.mark.parametrize("golden", of_kind("fd"))
def test_frechet_distance(golden):
    for name, case in golden.table.items():
        terms = frechet_terms(rows(case["generated"]), rows(case["reference"]))
        tolerance = case["tolerance_abs"]
        assert terms.distance == pytest.approx(case["fd"], abs=tolerance), name
        assert terms.mean == pytest.approx(case["mean_term"], abs=tolerance), name
        assert terms.traces == pytest.approx(case["trace_sum"], abs=tolerance), name
        assert terms.root_trace == pytest.approx(case["trace_sqrt"], abs=tolerance), name
        mirrored = frechet_distance(rows(case["reference"]), rows(case["generated"]))
        assert mirrored == pytest.approx(terms.distance, abs=1e-6 * terms.traces)


@pytest.mark.parametrize("golden", of_kind("fd"))
def test_mistakes_of_the_frechet_distance_show(golden):
    case = golden.table["vggish_full_rank"]
    x, y = (rows(case[side]).astype(np.float64) for side in ("generated", "reference"))
    means = np.square(x.mean(0) - y.mean(0)).sum()
    mistakes = {
        "root of the distance": np.sqrt(frechet_distance(x, y)),
        "variances only": means + np.square(x.std(0, ddof=1) - y.std(0, ddof=1)).sum(),
        "length of the mean, not squared": frechet_distance(x, y) - means + np.sqrt(means),
        # n rows, each twice: covariance over 2 n - 1, near that over n
        "biased covariance": frechet_distance(np.tile(x, (2, 1)), np.tile(y, (2, 1))),
    }
    for name, value in mistakes.items():
        assert abs(value - case["fd"]) > 10 * case["tolerance_abs"], name


@pytest.mark.parametrize("golden", of_kind("kl_is"))
def test_kl(golden):
    for case in golden.table["kl"].values():
        g, r = logits(case["generated"]), logits(case["reference"])
        assert kl_divergence(g, r) == pytest.approx(case["kl_softmax"], rel=golden.relative)
        assert kl_divergence(g, r, activation="sigmoid") == pytest.approx(
            case["kl_sigmoid"], rel=golden.relative
        )
        assert kl_divergence(r, r) == case["identical"]


@pytest.mark.parametrize("golden", of_kind("kl_is"))
def test_mistakes_of_the_kl_show(golden):
    case = next(case for case in golden.table["kl"].values() if case["generated"][1] > 1)
    g, r = logits(case["generated"]), logits(case["reference"])
    p, q = (np.exp(log_softmax(x.astype(np.float64))) for x in (r, g))
    mistakes = {
        "direction": kl_divergence(g, r, direction="generated||reference"),
        "pairs mixed": kl_divergence(np.roll(g, 1, axis=0), r),
        "epsilon": (p * np.log((p + 1e-6) / (q + 1e-6))).sum(1).mean(),
        "mean over classes": kl_divergence(g, r) / g.shape[1],
    }
    for name, value in mistakes.items():
        assert abs(value / case["kl_softmax"] - 1) > 100 * golden.relative, name


@pytest.mark.parametrize("golden", of_kind("kl_is"))
def test_inception_score(golden):
    for name, case in golden.table["is"].items():
        if not isinstance(case, dict):
            continue
        mean, spread = inception_score(_boosted(case), splits=case["splits"])
        assert mean == pytest.approx(case["inception_score_mean"], rel=golden.relative), name
        assert spread == pytest.approx(
            case["inception_score_std"], rel=10 * golden.relative, abs=1e-12
        )
    for name, expected in golden.table["is"].items():
        if name.startswith("bounds_"):
            count = int(name.removeprefix("bounds_"))
            assert part_bounds(count, 10) == [tuple(pair) for pair in expected]


@pytest.mark.parametrize("golden", of_kind("kl_is"))
def test_mistakes_of_the_inception_score_show(golden):
    cases = [case for case in golden.table["is"].values() if isinstance(case, dict)]
    case = min(
        (case for case in cases if case["splits"] == 10 and case["generated"][1] > 10),
        key=lambda case: case["generated"][1],
    )
    values = _boosted(case)
    for mistake in ({"shuffle_seed": None}, {"shuffle_seed": 2021}, {"splits": 1}):
        wrong = inception_score(values, **mistake)[0]
        assert abs(wrong / case["inception_score_mean"] - 1) > 100 * golden.relative, mistake


def _boosted(case):
    values = logits(case["generated"]).astype(np.float32)
    assert case["added"] == "rows 0, 2, 4, ...: + 4 on classes 0..19"
    values[::2, :20] += np.float32(4)
    return values


@pytest.mark.parametrize("golden", of_kind("ib_score"))
def test_imagebind_score(golden):
    table = golden.table
    assert table["audio_used"] == "2 x normals(audio) + 0.5 x normals(video)"
    video = unit(table["video"])
    audio = 2 * unit(table["audio"]) + np.float32(0.5) * video
    assert imagebind_score(video, audio) == pytest.approx(table["ib_score"], rel=golden.relative)
    assert clap_score(video, audio) == imagebind_score(video, audio)
    assert cosines(video, audio) == pytest.approx(table["cosine"], rel=golden.relative)
    of_means = cosines(video.mean(0, keepdims=True), audio.mean(0, keepdims=True))[0]
    assert abs(of_means / table["ib_score"] - 1) > 100 * golden.relative


@pytest.mark.parametrize("golden", of_kind("cprs"))
def test_cprs(golden):
    for case in golden.table.values():
        a, b, direction = (unit(case[name]) for name in ("a", "b", "reference_direction"))
        assert case["b_used"].startswith("b + pull * reference, pull = float32 linspace(-0.5, 1.5")
        pull = np.linspace(-0.5, 1.5, len(a)).astype(np.float32)
        b = b + pull[:, None] * direction
        result = cprs(a, b, direction)
        columns = {
            "cprs": result.scores,
            "cosine": result.cosines,
            "projection": result.projections,
            "gauss": result.closeness,
        }
        for name, values in columns.items():
            expected = [row[name] for row in case["rows"]]
            assert values == pytest.approx(expected, rel=20 * golden.relative, abs=1e-6), name
        summary = case["summary"]
        assert result.mean == pytest.approx(summary["mean_cprs"], rel=golden.relative)
        assert abs(cprs(b, a, direction).mean - summary["mean_cprs"]) > 0.05


@pytest.mark.parametrize("golden", of_kind("desync_numbers"))
def test_desync(golden):
    table = golden.table
    both = np.stack([unit(spec) for spec in table["logits"]], axis=1)
    tolerance = golden.entry["tolerance"]["max_abs"]
    assert both.argmax(-1).T.tolist() == table["argmax"]
    assert np.abs(offsets_s(both)) == pytest.approx(np.asarray(table["abs_offset"]), abs=tolerance)
    assert desync(both) == pytest.approx(table["desync"], abs=tolerance)
    wrong = {
        "signed": float(offsets_s(both).mean()),
        "first_window_only": desync(both[:, :1]),
    }
    for name, value in table["mistakes"].items():
        assert abs(wrong[name]) == pytest.approx(abs(value), abs=tolerance)
        assert abs(wrong[name] - table["desync"]) > 1000 * tolerance


@pytest.mark.parametrize("golden", of_kind("desync_windows"))
def test_windows_of_desync(golden):
    table = dict(golden.table)
    assert offset_grid_s() == pytest.approx(table.pop("grid"), abs=1e-6)
    for length_s, expected in table.items():
        windows = sync_windows(float(length_s))
        for name in ("video_frames", "audio_samples", "video_segments", "audio_segments"):
            assert getattr(windows, name) == expected[name], (length_s, name)
        assert windows.comparable == expected["comparable"]
        assert list(windows.first) == expected["first"]
        assert list(windows.last) == expected["last"]
    assert not sync_windows(4.79).comparable


@pytest.mark.parametrize("golden", of_kind("pairing"))
def test_pairing(golden):
    table = golden.table
    generated, reference = table["generated_names"], table["reference_names"]
    assert [vggsound_name(name) for name in generated] == table["cleaned"]
    cleaned = pair_names(generated, reference, names="vggsound")
    assert [list(pair) for pair in cleaned.pairs] == table["pairs_passt_ib_desync_clap"]
    assert sorted(cleaned.missing + cleaned.unknown) == sorted(table["unpaired"])
    exact = pair_names(generated, reference)
    assert [list(pair) for pair in exact.pairs] == table["pairs_kl_panns"]


def test_every_golden_is_used():
    here = Path(__file__).parent
    sources = [(here / f"test_metric_{part}.py").read_text() for part in ("numbers", "networks")]
    index = json.loads((FOLDER / "index.json").read_text())
    for kind in {entry["kind"] for entry in index.values()}:
        assert any(f'of_kind("{kind}")' in text for text in sources), kind
