"""One annotated clip through the frozen encoders: what is stored of it for training."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.annotation import clip_sound
from pavas_sdk.annotation.annotating import cut
from pavas_sdk.annotation.clip_files import local_file
from pavas_sdk.annotation.sound_facts import is_clipped
from pavas_sdk.data import Video
from pavas_sdk.data.alignment import impact_energies_at, mask_grids_at, speeds_at
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import open_video, read_audio
from pavas_sdk.models import MelSpectrogram, mel_config_of_rate
from pavas_sdk.pipelines.encoding import encode_window
from pavas_sdk.training.datasets import ClipObjects, FeatureRow, SetLayout
from pavas_sdk.training.features import masked_sums

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.annotation import Annotation
    from pavas_sdk.data import Audio, FrameSource
    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.pipelines.encoding import VideoFeatures
    from pavas_sdk.training.datasets.level import LevelPolicy

__all__ = ["ClipEncoding", "encoder_digests", "layout_of"]


def layout_of(pipe: PavasPipeline, duration_s: float, *, max_objects: int = 4) -> SetLayout:
    """Return the sizes of what a pipeline's encoders make of a clip.

    Raises:
        ConfigurationError: The clip needs several windows.
    """
    if len(pipe.plan_windows(duration_s)) > 1:
        raise ConfigurationError(
            f"clips of {duration_s:g} s are longer than the {pipe.config.window_s:g} s that the "
            "backbone sees at once; annotate with a shorter --duration"
        )
    config = pipe.transformer.config
    frames = pipe.clip.frame_times_s(duration_s)
    sync_frames = pipe.sync_encoder.frame_times_s(duration_s)
    black = Video(frames=np.zeros((1, 8, 8, 3), dtype=np.uint8), times_s=np.zeros(1))
    pixels = pipe.clip.preprocess(black).to(pipe.device, pipe.clip.dtype)
    with torch.no_grad():
        patches = pipe.clip.encode_image(pixels).patches
    return SetLayout(
        latent_length=pipe.sequence.latent_length(duration_s),
        latent_dim=config["latent_dim"],
        clip_length=len(frames),
        clip_dim=config["clip_dim"],
        sync_length=pipe.sync_encoder.feature_count(len(sync_frames)),
        sync_dim=config["sync_dim"],
        text_length=int(pipe.transformer.empty_text(1).shape[1]),
        text_dim=config["text_dim"],
        duration_s=duration_s,
        patch_dim=int(patches.shape[-1]),
        max_objects=max_objects,
    )


def encoder_digests(pipe: PavasPipeline) -> dict[str, str]:
    """Return a digest of the weights of each frozen encoder: features belong to these alone."""
    found = {}
    for slot in ("clip", "sync_encoder", "vae"):
        digest = hashlib.sha256()
        module: Any = getattr(pipe, slot)
        for name, value in sorted(module.state_dict().items()):
            if slot == "vae" and name.startswith("decoder."):
                continue  # features do not depend on it, and it may be saved without
            digest.update(f"{name} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
        found[slot] = digest.hexdigest()[:32]
    return found


class ClipEncoding:
    """Encodes annotated clips; the networks stay as they are.

    Args:
        pipe: Whose encoders and codec.
        layout: Of `layout_of`.
        level: What becomes of a clip's level.

    Raises:
        ConfigurationError: Sound at a rate that no mel spectrogram here is made for.
    """

    def __init__(self, pipe: PavasPipeline, layout: SetLayout, level: LevelPolicy) -> None:
        self._pipe = pipe
        self._layout = layout
        self._level = level
        self._rate_hz = int(pipe.config.sample_rate_hz)
        self._mel = MelSpectrogram(mel_config_of_rate(self._rate_hz)).to(pipe.device)

    @torch.no_grad()
    def row(self, annotation: Annotation, text: int) -> FeatureRow:
        """Return what is stored of a clip.

        Args:
            annotation: The clip, its physics and masks.
            text: Place of its text in the table, or -1.

        Raises:
            MediaError: The video or its sound cannot be read.
            InputError: It is shorter than it was.
        """
        clip, length = annotation.clip, self._layout.duration_s
        with local_file(clip.path) as path, open_video(path) as video:
            source = cut(video, clip, length)
            seen = self._seen(source)
            mean, std, facts = self._heard(path, annotation)
        things, kept, dropped = self._objects(annotation, seen)
        return FeatureRow(
            features={
                "mean": mean,
                "std": std,
                "clip_features": _numbers(seen.pooled[0]),
                "sync_features": _numbers(seen.sync[0]),
            },
            text=text,
            objects=things,
            facts={
                "id": clip.clip_id,
                "label": clip.label,
                "split": clip.split,
                "sha256": annotation.sha256,
                "objects": kept,
                "dropped_objects": dropped,
                **facts,
            },
        )

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the tokens of texts, (n, T, D_text)."""
        with torch.no_grad():
            return _numbers(self._pipe.clip.encode_text(texts))

    def _seen(self, source: FrameSource) -> VideoFeatures:
        pipe = self._pipe
        (window,) = pipe.plan_windows(self._layout.duration_s)
        return encode_window(pipe.clip, pipe.sync_encoder, source, window, device=pipe.device)

    def _heard(
        self, path: Path, annotation: Annotation
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
        """Return mean and spread of the codec's posterior, (N, C), and what is noted of the sound."""
        samples = self._pipe.sequence.audio_samples(self._layout.duration_s)
        sound: Audio = read_audio(path, sample_rate_hz=self._rate_hz)
        part = clip_sound(sound, annotation.clip.start_s, samples / self._rate_hz)
        file_peak = float(np.abs(sound.mono).max(initial=0.0))
        gain = self._level.gain_of(file_peak)
        wave = part.fitted(samples).mono * np.float32(gain)
        mel = self._mel(torch.from_numpy(wave)[None].to(self._pipe.device))
        posterior: Any = self._pipe.vae.encode(mel.to(self._pipe.vae.dtype))
        mean, std = (_numbers(part[0].transpose(0, 1)) for part in (posterior.mean, posterior.std))
        peak = float(np.abs(wave).max(initial=0.0))
        facts = {
            "gain": gain,
            "peak": peak / gain,
            "clipped": int((np.abs(wave) > 1.0).sum()),  # the mel spectrogram limits them
            "clipped_recording": is_clipped(annotation.sound, self._layout.duration_s),
        }
        return mean, std, facts

    def _objects(
        self, annotation: Annotation, seen: VideoFeatures
    ) -> tuple[ClipObjects, list[int], int]:
        """Return the objects that are seen most, their ids, and how many were left out."""
        times, grid = seen.times_s, int(seen.patches.shape[2])
        found = annotation.physics.objects
        masks = [mask_grids_at(annotation.masks.get(e.object_id), times, grid) for e in found]
        shown = sorted(range(len(found)), key=lambda i: (-float(masks[i].sum()), i))
        kept = sorted(shown[: self._layout.max_objects])
        count, frames = len(kept), len(times)
        share = np.zeros((count, frames, grid, grid), dtype=np.float32)
        speed = np.full((count, frames), np.nan, dtype=np.float32)
        energy = np.zeros((count, frames), dtype=np.float32)
        mass = np.full(count, np.nan, dtype=np.float32)
        impacts = annotation.physics.impacts() if found else ()
        for place, index in enumerate(kept):
            entry = found[index]
            share[place] = masks[index]
            mass[place] = np.nan if entry.mass_kg is None else entry.mass_kg
            speed[place] = speeds_at(entry, times)
            energy[place] = impact_energies_at(entry, impacts, times)
        things = ClipObjects(
            objects=_numbers(masked_sums(seen.patches[0].float().cpu(), share)),
            visible=share.sum(axis=(2, 3)) > 0,
            mass_kg=mass,
            speed_m_s=speed,
            impact_energy_j=energy,
        )
        return things, [found[index].object_id for index in kept], len(found) - count


def _numbers(values: Tensor) -> NDArray[np.float32]:
    return np.asarray(values.detach().float().cpu().numpy())
