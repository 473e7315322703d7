"""Whether sound follows the physics that is given, and keeps quiet where nothing happens.

    python benchmarks/obedience.py [--model FOLDER] [--clips 100] [--seed 11] [--stills 20]

The shuffled test gives every simulated clip the true physics and masks of another one: how many
onsets follow the impacts that were given, how many those of the picture? Stills are first frames
of simulated clips (and of the videos of ``--videos``) shown for four seconds, seen by the
estimators, with ten seeds each; an onset counts when it is louder than -60 dBFS.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.data import Video
from pavas_sdk.data.seeds import evaluation_seeds
from pavas_sdk.evaluation.event_matching import EventCounts, match_events
from pavas_sdk.evaluation.impacts import merge_contacts
from pavas_sdk.evaluation.loudness import levels_db
from pavas_sdk.evaluation.onset import detect_onsets
from pavas_sdk.evaluation.sounds import load_pipeline
from pavas_sdk.media import MemorySource, as_source
from pavas_sdk.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pavas_sdk.data import Audio, LabelledClip
    from pavas_sdk.pipelines import PavasPipeline

SEEDS = 10
LOUD_DB = -60.0
STILL_S = 4.0


@dataclass
class Shuffled:
    """Onsets of the shuffled test.

    Attributes:
        given: Against the impacts that were given.
        picture: Against those of the picture.
    """

    given: EventCounts = field(default_factory=EventCounts)
    picture: EventCounts = field(default_factory=EventCounts)


def heard(clip: LabelledClip) -> list[float]:
    """Return the moments of a clip's audible contacts."""
    events = merge_contacts(contact for contact in clip.contacts if contact.energy_change_j > 0)
    loudest = max((event.energy_change_j for event in events), default=0.0)
    return [event.time_s for event in events if event.energy_change_j >= 1e-3 * loudest]


def shuffled(pipe: PavasPipeline, seed: int, clips: int) -> Shuffled:
    """Give every clip the physics of the one before it that has impacts."""
    total, other = Shuffled(), None
    for number in evaluation_seeds(seed, clips):
        clip = simulate(number).clip
        if other is not None:
            out = pipe(
                clip.source,
                physics=other.physics,
                masks=other.masks,
                generator=torch.Generator().manual_seed(number),
            )
            onsets = loud_onsets(out.audio)
            total.given += match_events(heard(other), onsets)
            total.picture += match_events(heard(clip), onsets)
        if heard(clip):
            other = clip
    return total


def loud_onsets(audio: Audio) -> list[float]:
    """Return the onsets that are louder than -60 dBFS."""
    times = detect_onsets(audio)
    return [float(t) for t, db in zip(times, levels_db(audio, times), strict=True) if db > LOUD_DB]


def pictures(seed: int, count: int, videos: Path | None) -> Iterator[tuple[str, Video]]:
    """Yield first frames as stills, some of them with the noise of a camera."""
    frames = [(str(n), simulate(n).clip.video.frames[0]) for n in evaluation_seeds(seed, count)]
    for path in sorted(videos.glob("*")) if videos else []:
        if path.suffix in (".mp4", ".avi", ".mov"):
            with as_source(path) as source:
                frames.append((path.name, source.frames_at(np.zeros(1)).frames[0]))
    times = np.arange(round(STILL_S * 25)) / 25
    for index, (name, frame) in enumerate(frames):
        shown = np.repeat(frame[None], times.size, axis=0)
        if index % 2:
            noise = np.random.default_rng(index).normal(0, 2.0, shown.shape)
            shown = np.clip(shown + noise, 0, 255).astype(np.uint8)
        yield name, Video(frames=shown, times_s=times)


def main() -> None:
    """Print both tests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="pavas-tiny")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--stills", type=int, default=20)
    parser.add_argument("--videos", type=Path)
    given = parser.parse_args()
    pipe = load_pipeline(given.model)
    test = shuffled(pipe, given.seed, given.clips)
    print(
        f"shuffled: {test.given.precision:.3f} of {test.given.detected} onsets follow the given "
        f"physics (recall {test.given.recall:.3f}), {test.picture.precision:.3f} the picture"
    )
    total = 0
    for name, video in pictures(given.seed, given.stills, given.videos):
        found = [
            len(loud_onsets(out.audio))
            for out in pipe(
                [MemorySource(video)],
                num_waveforms_per_video=SEEDS,
                generator=[torch.Generator().manual_seed(seed) for seed in range(SEEDS)],
            )
        ]
        total += sum(found)
        if any(found):
            print(f"still {name}: onsets {found}")
    print(f"stills: {total} onsets above {LOUD_DB:g} dBFS")


if __name__ == "__main__":
    main()
