"""Sound for the training of a vocoder: simulated clips without pictures, and mixes.

One memory-mapped file of 16-bit rows, each scaled to its own peak, so that quiet rows lose
nothing. ``sounds.json`` is written last; without it the file is made again.
"""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.documents import read_object
from pavas_sdk.data.seeds import TRAINING_SEEDS
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.simulation.sampling import sample_world
from pavas_sdk.simulation.scene import SceneConfig
from pavas_sdk.simulation.sound import render_sound
from pavas_sdk.training.mixed_sounds import mixed_sound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SoundBank", "VocoderSounds", "write_sounds"]

FORMAT_VERSION = 1
_CHUNK = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class VocoderSounds:
    """What a vocoder is trained on.

    Attributes:
        simulated: Simulated clips, with or without a noise floor by turns.
        mixed: Mixes of ringing, noise, clicks and silence.
        duration_s: Of each.
        sample_rate_hz: Of each.
        first_seed: Of the first simulated clip.
        jobs: Processes that make them.
    """

    simulated: int = 2400
    mixed: int = 1600
    duration_s: float = 4.0
    sample_rate_hz: int = 48000
    first_seed: int = 5_000_000
    jobs: int = 2

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Seeds outside the range for training, or nothing to make.
        """
        last = self.first_seed + self.simulated - 1
        if not 0 <= self.first_seed <= last + 1 <= TRAINING_SEEDS.stop:
            raise ConfigurationError(
                f"sounds {self.first_seed} to {last} leave the seeds for training, 0 to "
                f"{TRAINING_SEEDS[-1]}"
            )
        if self.simulated + self.mixed < 1:
            raise ConfigurationError("simulated and mixed are both 0: there is nothing to hear")

    @property
    def samples(self) -> int:
        """Samples of each sound."""
        return round(self.duration_s * self.sample_rate_hz)


class SoundBank:
    """Sounds of `write_sounds`.

    Args:
        folder: Where they are.

    Raises:
        FormatError: ``sounds.json`` is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        facts = read_object(folder / "sounds.json")
        self.sample_rate_hz = int(facts["sample_rate_hz"])
        self._rows = np.load(folder / "sounds.npy", mmap_mode="r")
        self._peaks = np.load(folder / "peaks.npy")

    def __len__(self) -> int:
        return len(self._peaks)

    @property
    def samples(self) -> int:
        """Samples of each sound."""
        return int(self._rows.shape[1])

    def get(self, row: int, first: int = 0, count: int | None = None) -> NDArray[np.float32]:
        """Return ``count`` samples of a sound from ``first`` on, full scale = 1."""
        stop = self.samples if count is None else first + count
        part = np.asarray(self._rows[row, first:stop], dtype=np.float32)
        return part * np.float32(self._peaks[row] / 32767.0)


def write_sounds(folder: Path, sounds: VocoderSounds) -> SoundBank:
    """Make the sounds in ``folder``, unless they are there, and return them.

    Raises:
        ConfigurationError: The folder holds sounds of other numbers.
    """
    note = {"format_version": FORMAT_VERSION, **asdict(sounds)}
    note.pop("jobs")
    if (folder / "sounds.json").exists():
        found = read_object(folder / "sounds.json")
        if found != note:
            raise ConfigurationError(
                f"{folder} holds other sounds than are wanted ({found}, not {note}); give another "
                "folder, or delete it"
            )
        return SoundBank(folder)
    folder.mkdir(parents=True, exist_ok=True)
    total = sounds.simulated + sounds.mixed
    shape = (total, sounds.samples)
    rows = np.lib.format.open_memmap(folder / "sounds.npy", mode="w+", dtype=np.int16, shape=shape)
    work = [range(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK)]
    make = partial(_write_rows, folder=folder, sounds=sounds)
    peaks = np.zeros(total, dtype=np.float32)
    if sounds.jobs == 1:
        for part in work:
            peaks[part] = make(part)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(sounds.jobs, mp_context=context) as pool:
            for part, found_peaks in zip(work, pool.map(make, work), strict=True):
                peaks[part] = found_peaks
    del rows
    np.save(folder / "peaks.npy", peaks)
    (folder / "sounds.json").write_text(json.dumps(note, indent=2), encoding="utf-8")
    return SoundBank(folder)


def _write_rows(part: Sequence[int], *, folder: Path, sounds: VocoderSounds) -> list[float]:
    """Write some rows and return their peaks."""
    rows = np.load(folder / "sounds.npy", mmap_mode="r+")
    peaks = []
    for row in part:
        if row < sounds.simulated:
            config = SceneConfig(
                sample_rate_hz=sounds.sample_rate_hz,
                duration_s=sounds.duration_s,
                background_noise=row % 2 == 0,
            )
            sound = render_sound(*sample_world(sounds.first_seed + row, config))
        else:
            sound = mixed_sound(
                np.random.default_rng([sounds.first_seed, row]),
                sounds.samples,
                float(sounds.sample_rate_hz),
            )
        peak = max(float(np.abs(sound).max()), 1e-9)
        rows[row] = np.rint(sound / peak * 32767.0)
        peaks.append(peak)
    rows.flush()
    return peaks
