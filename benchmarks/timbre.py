"""Whether a resynthesised impact still sounds like its material: pitch, ringing, level, moment.

    python benchmarks/timbre.py FOLDER [--clips N] [--pipeline NAME]

FOLDER holds ``vae`` and ``vocoder`` of `pavas_sdk.training.vocoder.train_vocoder` (or is a saved
pipeline). The loudest impact of N simulated clips for each material, of seeds that nothing is
trained on, is measured in the true sound, after codec and vocoder, after the codec and
Griffin-Lim, and, with --pipeline, in the sound that a pipeline generates from picture and true
physics. Medians over the clips; decay times are those of 20 dB (from -5 to -25 dB of the backward
integral), of everything and of what lies above 1 kHz.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.signal import butter, sosfiltfilt

from pavas_sdk import PavasPipeline
from pavas_sdk.models import (
    MEL_48K,
    GriffinLimVocoder,
    IstftVocoder,
    LinearMelCodec,
    MelSpectrogram,
)
from pavas_sdk.simulation import SceneConfig, simulate
from pavas_sdk.simulation.materials import MATERIALS
from pavas_sdk.simulation.sampling import sample_world
from pavas_sdk.simulation.sound import render_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Sound = NDArray[np.float64]

RATE = 48000
FIRST_SEED = 12_000_000
LONGEST_S = 1.0
SHORTEST_S = 0.25
CONFIG = SceneConfig(sample_rate_hz=RATE, background_noise=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An impact of a simulated clip.

    Attributes:
        seed: Of the clip.
        material: Of the body.
        time_s: When.
        until_s: End of what is heard of it alone.
        sound: Of the whole clip.
    """

    seed: int
    material: str
    time_s: float
    until_s: float
    sound: Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Timbre:
    """What is measured of an impact.

    Attributes:
        level_db: Mean power of the first 150 ms, dB of full scale.
        centroid_hz: Of the power spectrum of the first 150 ms.
        decay_s: Time of 20 dB.
        decay_above_1k_s: The same above 1 kHz.
        onset_s: When the envelope passes a tenth of its maximum.
    """

    level_db: float
    centroid_hz: float
    decay_s: float
    decay_above_1k_s: float
    onset_s: float


def find_events(clips: int) -> Iterator[Event]:
    """Yield one impact of each of ``clips`` clips for each material."""
    found: dict[str, int] = defaultdict(int)
    for seed in count(FIRST_SEED):
        if all(found[name] >= clips for name in MATERIALS):
            return
        scene, motion = sample_world(seed, CONFIG)
        if scene.action in ("still", "roll") or not motion.collisions:
            continue
        loudest = max(motion.collisions, key=lambda contact: contact.energy_change_j)
        material = scene.objects[loudest.body].material
        later = [
            contact.time_s
            for contact in motion.collisions
            if contact.time_s > loudest.time_s + 1e-3
            and contact.energy_change_j > 1e-4 * loudest.energy_change_j
        ]
        until_s = min([*later, loudest.time_s + LONGEST_S, CONFIG.duration_s - 0.02])
        if found[material] >= clips or until_s - loudest.time_s < SHORTEST_S:
            continue
        found[material] += 1
        yield Event(
            seed=seed,
            material=material,
            time_s=loudest.time_s,
            until_s=until_s - 0.04,  # a vocoder may begin the next one too early
            sound=render_sound(scene, motion).astype(np.float64),
        )


def measure(sound: Sound, event: Event) -> Timbre:
    """Measure the impact in ``sound``, the clip or what was made of it."""
    start = round(event.time_s * RATE)
    heard = sound[start : round(event.until_s * RATE)]
    first = heard[: round(0.15 * RATE)]
    power = np.abs(np.fft.rfft(first * np.hanning(2 * first.size)[first.size :])) ** 2
    hz = np.fft.rfftfreq(first.size, 1.0 / RATE)
    high = sosfiltfilt(butter(4, 1000.0, "highpass", fs=RATE, output="sos"), sound)
    before = max(0, start - round(0.05 * RATE))
    near = sound[before : start + round(0.1 * RATE)] ** 2
    envelope = np.sqrt(np.convolve(near, np.ones(48) / 48, mode="same"))
    return Timbre(
        level_db=10.0 * float(np.log10(np.mean(first**2) + 1e-12)),
        centroid_hz=float((hz * power).sum() / (power.sum() + 1e-20)),
        decay_s=decay_time(heard),
        decay_above_1k_s=decay_time(high[start : round(event.until_s * RATE)]),
        onset_s=float(np.argmax(envelope > 0.1 * envelope.max()) + before) / RATE,
    )


def decay_time(sound: Sound) -> float:
    """Return the time from -5 to -25 dB of the energy that is still to come."""
    left = np.cumsum((sound**2)[::-1])[::-1]
    level = 10.0 * np.log10(left / (left[0] + 1e-20) + 1e-12)
    return float(np.argmax(level < -25.0) - np.argmax(level < -5.0)) / RATE


def through(codec: LinearMelCodec, vocoder: torch.nn.Module, sound: Sound) -> Sound:
    """Return a sound after codec and vocoder."""
    wave = torch.from_numpy(sound).float()[None]
    with torch.no_grad():
        mel = codec.decode(codec.encode(MelSpectrogram(codec.mel_config)(wave)).mode())
        made = vocoder(mel)[0, 0].double().numpy()
    return np.pad(made, (0, max(0, sound.size - made.size)))[: sound.size]


def generated(pipe: PavasPipeline, event: Event) -> Sound:
    """Return what the pipeline makes of the clip's picture and true physics."""
    from scipy.signal import resample_poly

    clip = simulate(event.seed, CONFIG).clip
    output = pipe(
        clip.video,
        prompt=clip.prompt,
        physics=clip.physics,
        masks=clip.masks,
        generator=torch.Generator().manual_seed(0),
    )
    audio = output.audio
    made = resample_poly(audio.samples[0], RATE, audio.sample_rate_hz)
    made = made * 10.0 ** (-audio.gain_db / 20.0)
    return np.pad(made, (0, max(0, event.sound.size - made.size)))[: event.sound.size]


def report(material: str, name: str, true: list[Timbre], made: list[Timbre], mel: float) -> None:
    """Print one row."""
    rows = {key: np.array([asdict(one)[key] for one in made]) for key in asdict(made[0])}
    goal = {key: np.array([asdict(one)[key] for one in true]) for key in asdict(true[0])}
    level = np.abs(rows["level_db"] - goal["level_db"])
    onset = 1e3 * np.abs(rows["onset_s"] - goal["onset_s"])
    octaves = np.abs(np.log2(rows["centroid_hz"] / goal["centroid_hz"]))
    ringing = np.abs(np.log2((rows["decay_above_1k_s"] + 1e-3) / (goal["decay_above_1k_s"] + 1e-3)))
    print(
        f"{material:8s} {name:11s} {np.median(rows['centroid_hz']):7.0f} {np.median(octaves):6.2f} "
        f"{np.median(rows['decay_s']):7.3f} {np.median(rows['decay_above_1k_s']):8.3f} "
        f"{np.median(ringing):6.2f} {np.median(level):8.2f} {np.median(onset):7.2f} {mel:7.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--pipeline")
    options = parser.parse_args()
    torch.set_num_threads(1)
    codec = LinearMelCodec.from_pretrained(options.folder / "vae")
    vocoder = IstftVocoder.from_pretrained(options.folder / "vocoder").eval()
    mel = asdict(codec.mel_config)
    mel.pop("logarithm")
    griffin_lim = GriffinLimVocoder(**mel)
    ways: dict[str, Callable[[Event], Sound]] = {
        "true": lambda event: event.sound,
        "vocoder": lambda event: through(codec, vocoder, event.sound),
        "griffin-lim": lambda event: through(codec, griffin_lim, event.sound),
    }
    if options.pipeline:
        pipe = PavasPipeline.from_pretrained(options.pipeline)
        pipe.set_progress_bar_config(disable=True)
        ways["generated"] = lambda event: generated(pipe, event)
    analyse = MelSpectrogram(MEL_48K)
    timbres: dict[tuple[str, str], list[Timbre]] = defaultdict(list)
    distances: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in find_events(options.clips):
        goal = analyse(torch.from_numpy(event.sound).float()[None])
        loud = goal > goal.max() - 2.5
        for name, way in ways.items():
            sound = way(event)
            key = (event.material, name)
            timbres[key].append(measure(sound, event))
            have = analyse(torch.from_numpy(sound).float()[None])
            distances[key].append(float((have - goal).abs()[loud].mean()))
    print(
        "material sound       centr.  octav.  T20 s  T20>1k s octav. level dB onset ms mel L1\n"
        "                         Hz   off                      off      off     off (log10, 50 dB)"
    )
    for material in MATERIALS:
        for name in ways:
            key = (material, name)
            true = timbres[(material, "true")]
            report(material, name, true, timbres[key], float(np.mean(distances[key])))


if __name__ == "__main__":
    main()
