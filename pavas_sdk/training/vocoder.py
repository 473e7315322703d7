"""Training of the vocoder, on sound alone.

The defaults are for one CPU core. On a GPU, where a step is mostly waiting, with larger batches::

    from pathlib import Path
    from pavas_sdk.training.vocoder import VocoderSounds, VocoderTraining, train_vocoder

    if __name__ == "__main__":  # sounds are made by processes that import this file
        sounds = VocoderSounds(simulated=3000, mixed=2000, jobs=16)
        training = VocoderTraining(
            steps=5000, batch=48, frames=64, windows_per_step=8, sounds=sounds
        )
        train_vocoder(Path("run/vocoder"), training, resume=True)
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import MEL_48K, IstftVocoder, LinearMelCodec, MelSpectrogram
from pavas_sdk.training.accelerated import training_accelerator
from pavas_sdk.training.averaged_run import AveragedRun
from pavas_sdk.training.loop import learning_rate_schedule
from pavas_sdk.training.sound_discriminator import (
    SoundDiscriminator,
    discriminator_loss,
    generator_losses,
)
from pavas_sdk.training.spectral_losses import SpectralDistance, TrueFrequencies
from pavas_sdk.training.stage_networks import is_saved, save_network
from pavas_sdk.training.vocoder_batches import CONTEXT_FRAMES, draw_crops, seen_mel, sound_mels
from pavas_sdk.training.vocoder_sounds import VocoderSounds, write_sounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.training.vocoder_sounds import SoundBank

__all__ = [
    "VocoderSounds",
    "VocoderTraining",
    "codec_of_sounds",
    "fit_codec",
    "train_vocoder",
]

_AHEAD = 4  # batches
# Sum of the squared mel magnitudes of a latent's frames; that of white noise of -68 dB.
_HEARD_LOG10 = -4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class VocoderTraining:
    """Numbers of a vocoder's training.

    Attributes:
        steps: Optimiser steps, those with a judge included.
        adversarial_steps: The last so many steps also have a judge (`SoundDiscriminator`).
        batch: Crops per step.
        frames: Mel frames per crop.
        windows_per_step: Of the eight of `SpectralDistance`, drawn for each step.
        peak_learning_rate: Reached after ``warmup`` steps, then a cosine to ``final_share`` of it.
        warmup: Steps.
        final_share: Of the peak, at the end.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are clipped to this.
        ema_decay: Of the average that is exported.
        frequency_weight: Of the error of the tones' frequencies, in widths of a band.
        adversarial_weight: Of the judge's score.
        matching_weight: Of the distance in the judge's features.
        judge_learning_rate: Of the judge; it does not change.
        seed: Of weights, crops and noise.
        save_every_s: Seconds between checkpoints.
        sounds: What is heard.
        network: Arguments of `IstftVocoder`, where they differ from its defaults.
    """

    steps: int = 6000
    adversarial_steps: int = 0
    batch: int = 8
    frames: int = 48
    windows_per_step: int = 4
    peak_learning_rate: float = 1.5e-3
    warmup: int = 200
    final_share: float = 0.02
    weight_decay: float = 1e-4
    max_grad_norm: float = 1.0
    ema_decay: float = 0.998
    frequency_weight: float = 0.5
    adversarial_weight: float = 0.02
    matching_weight: float = 0.05
    judge_learning_rate: float = 3e-4
    seed: int = 0
    save_every_s: float = 240.0
    sounds: VocoderSounds = field(default_factory=VocoderSounds)
    network: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Crops longer than the sounds, an odd number of frames, or more
                steps with a judge than steps.
        """
        if not 0 <= self.adversarial_steps <= self.steps:
            raise ConfigurationError(
                f"adversarial_steps must lie between 0 and steps, got {self.adversarial_steps} of "
                f"{self.steps}"
            )
        hop = int(self.network.get("hop_length", MEL_48K.hop_length))
        longest = self.sounds.samples // hop - 2 * CONTEXT_FRAMES
        if not 8 <= self.frames <= longest or self.frames % 2:
            raise ConfigurationError(
                f"frames must be even and lie between 8 and {longest}, got {self.frames}"
            )


def fit_codec(bank: SoundBank, *, latent_channels: int = 64) -> LinearMelCodec:
    """Return a codec of `MEL_48K` that is fitted to about a thousand of the sounds.

    Latents of silence are left out: what the channels keep is decided by what is heard.

    Raises:
        InputError: Fewer latents are heard than there are channels.
    """
    codec: LinearMelCodec = LinearMelCodec.for_mel(MEL_48K, latent_channels=latent_channels)
    per_latent = codec.config.frames_per_latent
    heard = []
    for mel in sound_mels(bank, MelSpectrogram(MEL_48K), every=max(1, len(bank) // 1000)):
        pieces = torch.stack(mel[0].split(per_latent, dim=1)[: mel.shape[2] // per_latent])
        level = torch.pow(10.0, 2.0 * pieces).sum(dim=(1, 2)).log10()
        heard.append(pieces[level > _HEARD_LOG10])
    codec.fit(torch.cat(heard).transpose(0, 1).flatten(1)[None])
    return codec


class _CropsAhead:
    """Draws the next crops while the network works on the last ones: only a GPU is that quick."""

    def __init__(self, bank: SoundBank, training: VocoderTraining) -> None:
        self._bank, self._training = bank, training
        self._ahead = _AHEAD if torch.cuda.is_available() else 0
        self._pool = ThreadPoolExecutor(self._ahead) if self._ahead else None
        self._drawn: dict[int, Future[NDArray[np.float32]]] = {}

    def crops(self, step: int) -> NDArray[np.float32]:
        """Return the crops of a step, see `draw_crops`."""
        if self._pool is None:
            return self._draw(step)
        for further in range(step, min(step + self._ahead + 1, self._training.steps)):
            if further not in self._drawn:
                self._drawn[further] = self._pool.submit(self._draw, further)
        return self._drawn.pop(step).result()

    def _draw(self, step: int) -> NDArray[np.float32]:
        training, hop = self._training, MEL_48K.hop_length
        return draw_crops(
            self._bank,
            batch=training.batch,
            samples=training.frames * hop,
            context=CONTEXT_FRAMES * hop,
            seed=training.seed,
            step=step,
        )


class _Run(AveragedRun):
    """The training of a vocoder and its judge."""

    def __init__(
        self, bank: SoundBank, codec: LinearMelCodec | None, training: VocoderTraining, folder: Path
    ) -> None:
        self.bank, self.training = bank, training
        torch.manual_seed(training.seed)
        self.model: IstftVocoder = IstftVocoder(**training.network)
        judge = SoundDiscriminator()
        accelerator = training_accelerator()
        self.device = accelerator.device
        optimizer = _adam(self.model, training.peak_learning_rate, training)
        schedule = learning_rate_schedule(optimizer, training)
        judge_optimizer = _adam(judge, training.judge_learning_rate, training)
        prepared = accelerator.prepare(self.model, optimizer, judge, judge_optimizer)
        self.prepared, prepared_optimizer, self.judge, self.judge_optimizer = prepared
        super().__init__(
            accelerator,
            prepared_optimizer,
            schedule,
            list(self.model.parameters()),
            ema_decay=training.ema_decay,
            max_grad_norm=training.max_grad_norm,
            checkpoint=folder / "checkpoint",
        )
        self.mel = MelSpectrogram(MEL_48K).to(self.device)
        self.codec = None if codec is None else codec.to(self.device)
        self.spread = None if codec is None else _spread(bank, codec)
        self.distance = SpectralDistance(MEL_48K).to(self.device)
        self.frequencies = TrueFrequencies(self.model).to(self.device)
        self.ahead = _CropsAhead(bank, training)

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Return sounds (B, S) and the mel frames (B, M, T) that the network sees of them."""
        training = self.training
        context = CONTEXT_FRAMES * MEL_48K.hop_length
        crops = self.ahead.crops(step)
        heard = torch.from_numpy(crops).to(self.device)
        with torch.no_grad():
            mel = self.mel(heard)[..., CONTEXT_FRAMES:-CONTEXT_FRAMES]
            rng = np.random.default_rng([training.seed, step, 1])
            mel = seen_mel(mel, self.codec, self.spread, rng)
        return heard[:, context:-context], mel

    def step(self) -> Tensor:
        """Make one optimiser step and return its loss."""
        training, step = self.training, self.progress.step
        true, mel = self.draw(step)
        parts = self.model.describe(mel)
        made = self.model.render(parts, seed=1 + 2 * step)[:, 0]
        with torch.no_grad():
            again = self.model.render(parts, seed=2 + 2 * step)[:, 0]
        rng = np.random.default_rng([training.seed, step, 2])
        count = min(training.windows_per_step, len(self.distance.windows))
        windows = rng.choice(self.distance.windows, size=count, replace=False)
        loss = self.distance.energy_distance(made, again, true, [int(size) for size in windows])
        hz, weight = self.frequencies(true)
        made_hz = parts.frequency_hz.unflatten(1, (hz.shape[1], -1)).mean(dim=2)
        loss = loss + training.frequency_weight * self._frequency_error(made_hz, hz, weight)
        if step >= training.steps - training.adversarial_steps:
            loss = loss + self._judged(true, made)
        return self.apply(loss)

    def _frequency_error(self, made_hz: Tensor, hz: Tensor, weight: Tensor) -> Tensor:
        lower, width = self.model.lower_hz, self.model.width_hz
        own = (hz >= lower) & (hz <= lower + width)  # else it leaks from another band
        weight = weight * own
        error = ((made_hz - hz) / width).abs() * weight
        return error.sum() / (weight.sum() + 1e-6)

    def _judged(self, true: Tensor, made: Tensor) -> Tensor:
        """Train the judge for one step and return what it holds against ``made``."""
        training = self.training
        self.judge_optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(discriminator_loss(self.judge, true, made))
        self.judge_optimizer.step()
        self.judge.requires_grad_(requires_grad=False)
        adversarial, matching = generator_losses(self.judge, true, made)
        self.judge.requires_grad_(requires_grad=True)
        return training.adversarial_weight * adversarial + training.matching_weight * matching


def train_vocoder(
    folder: Path,
    training: VocoderTraining,
    *,
    codec: LinearMelCodec | None = None,
    resume: bool = False,
    until_step: int | None = None,
) -> IstftVocoder:
    """Train a vocoder, save it as ``folder/vocoder``, and return it.

    The sounds are made in ``folder/sounds`` first, unless they are there. Stopping at any
    checkpoint and resuming gives the same weights to the bit on one CPU.

    Args:
        folder: Where everything goes.
        training: Numbers.
        codec: Whose spectrograms the vocoder will be given; by default one that is fitted to the
            sounds and saved as ``folder/vae``.
        resume: Continue from ``folder/checkpoint`` when it is there.
        until_step: Stop with a checkpoint after this step; nothing is exported.

    Raises:
        ConfigurationError: accelerate is not installed, or the folder holds other sounds.
        FormatError: The checkpoint was written by another version.
        OutputError: A checkpoint cannot be written.
        PavasError: The training diverged.
    """
    bank = write_sounds(folder / "sounds", training.sounds)
    if codec is None:
        codec = codec_of_sounds(folder, training)
    run = _Run(bank, codec, training, folder)
    progress = run.progress
    if resume:
        run.resume()
    stop = training.steps if until_step is None else min(until_step, training.steps)
    run.model.train()
    run.follow(
        (run.step() for _ in range(progress.step, stop)),
        name="vocoder",
        stop=stop,
        save_every_s=training.save_every_s,
    )
    if progress.step >= training.steps:
        run.average.copy_to(run.trainable)
        save_network(run.model, folder / "vocoder")
    run.model.cpu().eval().requires_grad_(requires_grad=False)
    return run.model


def codec_of_sounds(
    folder: Path, training: VocoderTraining, *, latent_channels: int = 64
) -> LinearMelCodec:
    """Return the codec that is fitted to a training's sounds, and keep it as ``folder/vae``.

    The sounds are made first, unless they are there.

    Args:
        folder: Of the training.
        training: Whose sounds.
        latent_channels: C.
    """
    place = folder / "vae"
    if is_saved(place):
        loaded: LinearMelCodec = LinearMelCodec.from_pretrained(place)
        return loaded
    codec = fit_codec(
        write_sounds(folder / "sounds", training.sounds), latent_channels=latent_channels
    )
    save_network(codec, place)
    return codec


def _adam(
    module: torch.nn.Module, learning_rate: float, training: VocoderTraining
) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        module.parameters(),
        lr=learning_rate,
        betas=(0.8, 0.99),
        weight_decay=training.weight_decay,
        fused=True,
    )


def _spread(bank: SoundBank, codec: LinearMelCodec) -> Tensor:
    """Standard deviation of the codec's channels over some sounds, (C,)."""
    front = MelSpectrogram(MEL_48K)
    every = max(1, len(bank) // 100)
    latents = [
        codec.encode(mel.to(codec.device)).mode()[0] for mel in sound_mels(bank, front, every=every)
    ]
    return torch.cat(latents, dim=1).std(dim=1)
