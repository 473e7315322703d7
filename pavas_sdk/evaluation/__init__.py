"""How good a sound is: one file per metric, in mir_eval's manner, and the runner over clips.

Metrics are pure functions of times, levels, energies, features and logits. Names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.evaluation.apcc import ApccResult
    from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
    from pavas_sdk.evaluation.clip import ClipMeasurement, measure_clip
    from pavas_sdk.evaluation.edits import EDITS, Edit, EditMeasurement, summarise_edits
    from pavas_sdk.evaluation.embedding_scores import clap_score, imagebind_score
    from pavas_sdk.evaluation.estimators.masses import evaluate_masses
    from pavas_sdk.evaluation.estimators.simulated import evaluate_estimators
    from pavas_sdk.evaluation.folder import evaluate_folder
    from pavas_sdk.evaluation.frechet import frechet_distance
    from pavas_sdk.evaluation.inception import inception_score
    from pavas_sdk.evaluation.kl import kl_divergence
    from pavas_sdk.evaluation.onset import detect_onsets, onset_strength
    from pavas_sdk.evaluation.pairs import evaluate_pairs
    from pavas_sdk.evaluation.phyavbench import cprs
    from pavas_sdk.evaluation.phyavbench_folder import evaluate_phyavbench
    from pavas_sdk.evaluation.recorded import evaluate_clips
    from pavas_sdk.evaluation.runner import run
    from pavas_sdk.evaluation.simulated import evaluate_edits, evaluate_simulated
    from pavas_sdk.evaluation.sounds import SoundMaker, SoundOptions, sound_options
    from pavas_sdk.evaluation.summary import summarise
    from pavas_sdk.evaluation.synchronisation import desync
    from pavas_sdk.evaluation.truth import ClipTruth, read_truth
    from pavas_sdk.evaluation.vgg_impact import evaluate_vgg_impact

_EXPORTS = {
    "apcc": ["ApccResult"],
    "bootstrap": ["bootstrap_intervals"],
    "clip": ["ClipMeasurement", "measure_clip"],
    "edits": ["EDITS", "Edit", "EditMeasurement", "summarise_edits"],
    "embedding_scores": ["clap_score", "imagebind_score"],
    "estimators.masses": ["evaluate_masses"],
    "estimators.simulated": ["evaluate_estimators"],
    "frechet": ["frechet_distance"],
    "inception": ["inception_score"],
    "kl": ["kl_divergence"],
    "onset": ["detect_onsets", "onset_strength"],
    "pairs": ["evaluate_pairs"],
    "phyavbench": ["cprs"],
    "phyavbench_folder": ["evaluate_phyavbench"],
    "recorded": ["evaluate_clips"],
    "runner": ["run"],
    "simulated": ["evaluate_edits", "evaluate_simulated"],
    "sounds": ["SoundMaker", "SoundOptions", "sound_options"],
    "summary": ["summarise"],
    "synchronisation": ["desync"],
    "vgg_impact": ["evaluate_vgg_impact"],
    "truth": ["ClipTruth", "read_truth"],
    "folder": ["evaluate_folder"],
}

__all__ = [
    "EDITS",
    "ApccResult",
    "ClipMeasurement",
    "ClipTruth",
    "Edit",
    "EditMeasurement",
    "SoundMaker",
    "SoundOptions",
    "bootstrap_intervals",
    "clap_score",
    "cprs",
    "desync",
    "detect_onsets",
    "evaluate_clips",
    "evaluate_edits",
    "evaluate_estimators",
    "evaluate_folder",
    "evaluate_masses",
    "evaluate_pairs",
    "evaluate_phyavbench",
    "evaluate_simulated",
    "evaluate_vgg_impact",
    "frechet_distance",
    "imagebind_score",
    "inception_score",
    "kl_divergence",
    "measure_clip",
    "onset_strength",
    "read_truth",
    "run",
    "sound_options",
    "summarise",
    "summarise_edits",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
