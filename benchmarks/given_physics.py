"""Whether the sound of recorded strikes follows the physics that is given, whatever is seen.

    python benchmarks/given_physics.py FOLDER

FOLDER holds the clips of real_clips_truth.json (they are not part of this repository). Physics made
of the truth is given with several assumed speeds, without masks, and with all impacts moved by half
a gap; onsets of three seeds are compared with the impacts that were given and with the true ones.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pavas_sdk import PavasPipeline
from pavas_sdk.evaluation import ClipTruth, read_truth
from pavas_sdk.evaluation.event_matching import EventCounts
from pavas_sdk.evaluation.recorded_clip import find_main_object, measure_sound
from pavas_sdk.evaluation.true_physics import true_physics
from pavas_sdk.media import VideoFile, open_video

if TYPE_CHECKING:
    from pavas_sdk.data import MaskTrack

SEEDS = (0, 1, 2)
LONGEST_S = 7.0


def moved(clip: ClipTruth) -> ClipTruth:
    """Return the clip with its impacts half the smallest gap later."""
    times = clip.impacts_s
    shift_s = 0.5 * min(b - a for a, b in itertools.pairwise(times))
    later = tuple(t + shift_s for t in times if t + shift_s < clip.duration_s - 0.1)
    return replace(clip, impacts_s=later, unscored_s=())


def counts(
    pipe: PavasPipeline,
    source: VideoFile,
    given: ClipTruth,
    true: ClipTruth,
    masks: dict[int, MaskTrack],
    speed_m_s: float,
) -> tuple[EventCounts, EventCounts]:
    """Return how the onsets fit the given and the true impacts."""
    physics = true_physics(
        label=given.objects[0],
        duration_s=given.duration_s,
        impacts_s=given.impacts_s,
        unknown_s=given.unscored_s,
        mass_range_kg=given.mass_range_kg,
        assumed_m_s=speed_m_s,
    )
    outputs = pipe(
        [source],
        physics=physics,
        masks=masks,
        num_waveforms_per_video=len(SEEDS),
        generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
    )
    totals = []
    for truth in (given, true):
        rows = [measure_sound(truth, output.audio, seed=0).onsets for output in outputs]
        totals.append(sum(rows, start=EventCounts()))
    return totals[0], totals[1]


def main() -> None:
    """Print F1 against the given and against the true impacts."""
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    totals: dict[str, tuple[EventCounts, EventCounts]] = {}
    for clip in read_truth(Path(__file__).with_name("real_clips_truth.json")):
        if clip.kind != "strike" or not clip.mass_range_kg or clip.duration_s > LONGEST_S:
            continue
        with open_video(Path(sys.argv[1]) / clip.name) as source:
            estimate, tracks, _ = pipe.physics_and_masks(source)
            main_id = find_main_object(clip, estimate, tracks)
            track = None if main_id is None else tracks.get(main_id)
            masks = {} if track is None else {0: replace(track, object_id=0)}
            for name, given, shown, speed_m_s in (
                ("2 m/s", clip, masks, 2.0),
                ("0.7 m/s", clip, masks, 0.7),
                ("5 m/s", clip, masks, 5.0),
                ("2 m/s, no masks", clip, {}, 2.0),
                ("2 m/s, impacts moved", moved(clip), masks, 2.0),
            ):
                nothing = (EventCounts(), EventCounts())
                before = totals.get(name, nothing)
                here = counts(pipe, source, given, clip, shown, speed_m_s)
                totals[name] = (before[0] + here[0], before[1] + here[1])
    for name, (by_given, by_picture) in totals.items():
        print(f"{name}: F1 {by_given.f1:.2f} of what was given, {by_picture.f1:.2f} of the picture")


if __name__ == "__main__":
    main()
