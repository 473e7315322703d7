"""How well pavas-tiny's sound fits real clips whose hits are known: hits and false onsets.

    python benchmarks/real_sound.py FOLDER

FOLDER holds 02_drumstick_on_metal.mp4, 03_drumstick_on_bag.mp4 and 08_rod_taps_sensor.mp4 (they are
not part of this repository). The times are those of the recorded sound, in seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from pavas_sdk import PavasPipeline
from pavas_sdk.evaluation import onset

WITHIN_S = 0.12
SEEDS = (0, 1, 2)
CLIPS = {
    "02_drumstick_on_metal.mp4": (
        "drumstick hitting metal",
        (0.89, 1.66, 2.44, 3.20, 3.94, 4.65, 5.43),
    ),
    "03_drumstick_on_bag.mp4": (
        "drumstick hitting a bag",
        (0.08, 0.89, 1.67, 2.45, 3.20, 3.98, 4.78),
    ),
    "08_rod_taps_sensor.mp4": ("a rod hitting", (0.24, 2.34, 3.18, 4.44, 5.15)),
}


def main() -> None:
    """Print hits and false onsets of every clip, with and without a prompt."""
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    for name, (words, hits) in CLIPS.items():
        for prompt in ("", words):
            for seed in SEEDS:
                generator = torch.Generator().manual_seed(seed)
                audio = pipe(Path(sys.argv[1]) / name, prompt=prompt, generator=generator).audio
                onsets = onset.detect_onsets(audio)
                found = len(onset.match_onsets(hits, onsets, within_s=WITHIN_S))
                false = onset.false_onsets(hits, onsets, within_s=WITHIN_S)
                print(f"{name} {prompt!r} seed {seed}: {found} of {len(hits)} hit, {false} false")


if __name__ == "__main__":
    main()
