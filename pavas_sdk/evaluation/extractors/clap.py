"""LAION-CLAP through transformers: embeddings of sounds and of captions in one space."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from pavas_sdk.errors import MissingPluginError, MissingWeightsError
from pavas_sdk.evaluation.extractors.network import NetworkExtractor, to_numpy
from pavas_sdk.models import prepare_sound
from pavas_sdk.models.listening.sound import resample
from pavas_sdk.released.clap import CLAP, CLAP_UNFUSED
from pavas_sdk.released.metric_models import what_is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio
    from pavas_sdk.interfaces.metric_extractor import Medium
    from pavas_sdk.released.clap import ClapRelease

__all__ = ["ClapAudioExtractor", "ClapTextExtractor", "ClapUnfusedExtractor"]

_LONGEST_S = 10.0
_TOKENS = 77
_NARROW_HZ = 16000


class _ClapExtractor(NetworkExtractor):
    release: ClassVar[ClapRelease] = CLAP
    networks = (CLAP.name,)
    outputs = ("embedding",)

    def check_ready(self) -> None:
        """Raise if transformers or the weights are missing.

        Raises:
            MissingPluginError: transformers is not installed.
            MissingWeightsError: With repository, size, licence and what to type.
        """
        _transformers()
        if not self.config.weights:
            self._folder()

    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights file."""
        if self.config.weights:
            return hashlib.sha256(self.config.weights.encode()).hexdigest()
        with (self._folder() / "model.safetensors").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def network(self, name: str = "") -> Any:
        """Return the model in evaluation mode, loaded on first use."""
        if self._loaded is None:
            if self.config.weights:
                with torch.random.fork_rng(devices=[]):  # what is drawn first is not used
                    network = self.tiny_network(name)
                self.fill(network)
            else:
                network = _transformers().ClapModel.from_pretrained(self._folder())
            self._loaded = {self.release.name: network.float().eval().requires_grad_(False)}
            if self._device is not None:
                network.to(self._device)
        return self._loaded[self.release.name]

    def tiny_network(self, name: str) -> Any:
        """Return a CLAP of few narrow layers."""
        library = _transformers()
        config = library.ClapConfig(
            text_config={
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_attention_heads": 2,
                "num_hidden_layers": 1,
                "vocab_size": 300,
            },
            audio_config={
                "patch_embeds_hidden_size": 16,
                "hidden_size": 128,
                "depths": [1, 1, 1, 1],
                "num_attention_heads": [1, 1, 2, 2],
                "enable_fusion": False,
            },
            projection_dim=16,
        )
        return library.ClapModel(config)

    def _folder(self) -> Path:
        folder = self.release.folder()
        if folder is None:
            raise MissingWeightsError(what_is_missing(self.release))
        return folder


class ClapAudioExtractor(_ClapExtractor):
    """Sound at 48 kHz, repeated to 10 s; longer sound is cut there, never at random."""

    medium: ClassVar[Medium] = "audio"
    sample_rate_hz = 48000

    @cached_property
    def _front_end(self) -> Any:
        return _transformers().ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")

    def prepare(self, medium: Audio, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return the log-mel picture, (1, frames, 64).

        Raises:
            InputError: The sound has no samples.
        """
        length_s = _LONGEST_S if length_s is None else min(length_s, _LONGEST_S)
        samples = prepare_sound(medium, self.sample_rate_hz, length_s).numpy()
        found = self._front_end(samples, sampling_rate=self.sample_rate_hz, return_tensors="np")
        return np.asarray(found["input_features"][0], dtype=np.float32)

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return embeddings of length 1, (clips, 512)."""
        pictures = self.tensor(batch)
        whole = torch.zeros(len(batch), 1, dtype=torch.bool, device=pictures.device)
        found = self.network().get_audio_features(input_features=pictures, is_longer=whole)
        return {"embedding": _normalised(found)}


class ClapUnfusedExtractor(ClapAudioExtractor):
    """The smaller CLAP, and the sound as PhyAVBench prepares it.

    First channel, 16 kHz, from there 48 kHz, rounded to 16 bits, repeated to 10 s. Longer sound is cut
    from the beginning, where the benchmark's own program cuts at random.
    """

    release = CLAP_UNFUSED
    networks = (CLAP_UNFUSED.name,)

    def prepare(self, medium: Audio, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return the log-mel picture, (1, frames, 64).

        Raises:
            InputError: The sound has no samples.
        """
        length_s = _LONGEST_S if length_s is None else min(length_s, _LONGEST_S)
        first = replace(medium, samples=medium.samples[:1])
        narrow = prepare_sound(first, _NARROW_HZ, length_s, centre=False)
        samples = resample(narrow, _NARROW_HZ, self.sample_rate_hz).clamp(-1.0, 1.0)
        rounded = (samples * 32767.0).to(torch.int16).numpy().astype(np.float32) / 32767.0
        found = self._front_end(rounded, sampling_rate=self.sample_rate_hz, return_tensors="np")
        return np.asarray(found["input_features"][0], dtype=np.float32)


class ClapTextExtractor(_ClapExtractor):
    """A caption, at most 77 tokens."""

    medium: ClassVar[Medium] = "text"

    def prepare(self, medium: str, *, length_s: float | None = None) -> NDArray[np.int64]:
        """Return token numbers and which of them count, (2, 77)."""
        if self.config.weights:  # no tokenizer without files: one number per byte
            numbers = [0, *(3 + byte for byte in medium.encode()[: _TOKENS - 2]), 2]
            shown = np.arange(_TOKENS) < len(numbers)
            filled = np.pad(numbers, (0, _TOKENS - len(numbers)), constant_values=1)
            return np.stack([filled, shown]).astype(np.int64)
        found = self._tokenizer(
            medium, padding="max_length", truncation=True, max_length=_TOKENS, return_tensors="np"
        )
        return np.stack([found["input_ids"][0], found["attention_mask"][0]]).astype(np.int64)

    @cached_property
    def _tokenizer(self) -> Any:
        return _transformers().AutoTokenizer.from_pretrained(self._folder())

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return embeddings of length 1, (clips, 512)."""
        tokens = self.tensor(batch)
        found = self.network().get_text_features(
            input_ids=tokens[:, 0], attention_mask=tokens[:, 1]
        )
        return {"embedding": _normalised(found)}


def _normalised(found: Any) -> NDArray[np.float32]:
    values = found if torch.is_tensor(found) else found.pooler_output
    return to_numpy(torch.nn.functional.normalize(values.float(), dim=-1))


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as err:
        raise MissingPluginError(
            "CLAP needs transformers; type: pip install 'pavas-sdk[clap]'"
        ) from err
    return transformers
