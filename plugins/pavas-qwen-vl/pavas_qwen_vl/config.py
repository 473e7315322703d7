"""Settings of the detector and of the mass estimator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig

__all__ = ["DetectorConfig", "MassConfig", "QwenVLConfig"]

_CHOICES: dict[str, tuple[str | None, ...]] = {
    "engine": ("transformers", "server"),
    "dtype": ("auto", "float32", "bfloat16", "float16"),
    "quantisation": (None, "8bit", "4bit"),
    "grammar": ("auto", "required", "off"),
    "device_map": (None, "auto", "balanced"),
}
_AT_LEAST_ONE = (
    "max_frames", "min_pixels", "max_pixels", "max_new_tokens", "max_concurrency", "prompt_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class QwenVLConfig(ComponentConfig):
    """What detector and mass estimator have in common; equal settings share one loaded model.

    Attributes:
        model: "3B", "7B" or "72B" (Qwen2.5-VL-...-Instruct), a Hub id, or a folder; with the
            server, the name that it serves.
        revision: Git revision on the Hub, or None for the newest.
        download: Whether weights that are not on this machine may be fetched on first use. Off, as
            they are large: a slot's time limit would end before they are here.
        engine: "transformers" runs the model here, "server" asks an OpenAI-compatible server.
        dtype: "auto" is bfloat16 on a GPU and float32 on the CPU.
        quantisation: None, "8bit" or "4bit" (bitsandbytes, GPU).
        device_map: None for one device (`to`), "auto" or "balanced" to spread over all GPUs.
        attention: Attention of transformers: "sdpa", "eager", "flash_attention_2".
        fps: Frames per second shown to the model, at most.
        max_frames: Frames shown to the model, at most; longer clips are sampled more thinly.
        min_pixels: Pixels of a frame, at least (smaller ones are enlarged).
        max_pixels: Pixels of a frame, at most (larger ones are shrunk).
        max_new_tokens: Length of an answer, at most.
        retries: How often to ask again when an answer cannot be read.
        grammar: Constrain the decoding to the JSON schema: "auto" where xgrammar is installed,
            "required", or "off".
        prompt_version: Version of the prompt files.
        server_url: Base of the server's API ("http://127.0.0.1:8000/v1").
        server_key_variable: Environment variable that holds the server's key. The key itself is
            never a setting: it is neither saved nor logged.
        server_schema: Send the JSON schema with the question (``response_format``).
        timeout_s: Seconds that the server may take for one reply.
        server_retries: How often to try again after a timeout, a lost connection, 429 or 5xx.
        retry_wait_s: Seconds before the first such retry; doubled each time.
        max_concurrency: Requests at a time to one server, over all components of the process.
    """

    model: str = "7B"
    revision: str | None = None
    download: bool = False
    engine: Literal["transformers", "server"] = "transformers"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    quantisation: Literal["8bit", "4bit"] | None = None
    device_map: Literal["auto", "balanced"] | None = None
    attention: str = "sdpa"
    fps: float = 4.0
    max_frames: int = 32
    min_pixels: int = 4 * 28 * 28
    max_pixels: int = 392 * 28 * 28
    max_new_tokens: int = 1024
    retries: int = 2
    grammar: Literal["auto", "required", "off"] = "auto"
    prompt_version: int = 1
    server_url: str = ""
    server_key_variable: str = "PAVAS_VLM_API_KEY"
    server_schema: bool = True
    timeout_s: float = 120.0
    server_retries: int = 3
    retry_wait_s: float = 1.0
    max_concurrency: int = 4

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work, with what it must be.
        """
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    f"{name} must be one of {', '.join(map(repr, choices))}, got "
                    f"{getattr(self, name)!r}"
                )
        for name in _AT_LEAST_ONE:
            if not _whole(getattr(self, name), 1):
                raise ConfigurationError(
                    f"{name} must be a whole number of 1 or more, got {getattr(self, name)!r}"
                )
        for name in ("retries", "server_retries"):
            if not _whole(getattr(self, name), 0):
                raise ConfigurationError(
                    f"{name} must be a whole number of 0 or more, got {getattr(self, name)!r}"
                )
        for name in ("fps", "timeout_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigurationError(f"{name} must be above 0, got {getattr(self, name)!r}")
        if not 0 <= self.retry_wait_s < math.inf:
            raise ConfigurationError(f"retry_wait_s must be 0 or more, got {self.retry_wait_s!r}")
        if self.min_pixels > self.max_pixels:
            raise ConfigurationError(
                f"min_pixels ({self.min_pixels}) must not exceed max_pixels ({self.max_pixels})"
            )
        self._check_server()

    def _check_server(self) -> None:
        if self.engine != "server":
            return
        if not self.server_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                'engine="server" needs server_url, such as "http://127.0.0.1:8000/v1", got '
                f"{self.server_url!r}"
            )
        if "@" in self.server_url.partition("://")[2].partition("/")[0]:
            raise ConfigurationError(
                "server_url must hold no user or password: it is saved with the results. Put the "
                f"key into the environment variable {self.server_key_variable}"
            )
        try:
            parts = urlsplit(self.server_url)
            usable = bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is none, a bracket that does not close
            usable = False
        if not usable:
            raise ConfigurationError(
                f"server_url is no address: {self.server_url!r}; expected one such as "
                '"http://127.0.0.1:8000/v1"'
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConfig(QwenVLConfig):
    """Settings of `QwenVLDetector`.

    Attributes:
        max_objects: Keep so many objects, the largest first, then the surest; the others are named
            in a warning.
        max_listed: Objects that one answer may list.
    """

    max_objects: int = 12
    max_listed: int = 64

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work.
        """
        # zero-argument super does not work in a dataclass with slots
        QwenVLConfig.__post_init__(self)
        if not _whole(self.max_objects, 1) or not _whole(self.max_listed, self.max_objects):
            raise ConfigurationError(
                "max_objects must be 1 or more and max_listed no less, got "
                f"{self.max_objects!r} and {self.max_listed!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MassConfig(QwenVLConfig):
    """Settings of `QwenVLMassEstimator`.

    Attributes:
        num_samples: Answers per question; 1 is the likeliest answer, more are drawn at
            ``temperature`` and pooled by the median of the logarithm of the mass.
        temperature: Of the draws when ``num_samples`` is above 1.
        top_p: Share of probability that is drawn from.
        objects_per_question: Objects that one question asks about.
        min_mass_kg: Lighter answers are not believed.
        max_mass_kg: Heavier answers are not believed.
    """

    num_samples: int = 1
    temperature: float = 0.7
    top_p: float = 0.95
    objects_per_question: int = 8
    min_mass_kg: float = 1e-6
    max_mass_kg: float = 1e6

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work.
        """
        QwenVLConfig.__post_init__(self)
        if not _whole(self.num_samples, 1) or not _whole(self.objects_per_question, 1):
            raise ConfigurationError(
                "num_samples and objects_per_question must be 1 or more, got "
                f"{self.num_samples!r} and {self.objects_per_question!r}"
            )
        if not 0 < self.temperature < math.inf or not 0 < self.top_p <= 1:
            raise ConfigurationError(
                "temperature must be above 0 and top_p in (0, 1], got "
                f"{self.temperature!r} and {self.top_p!r}"
            )
        if not 0 < self.min_mass_kg < self.max_mass_kg < math.inf:
            raise ConfigurationError(
                "masses must satisfy 0 < min_mass_kg < max_mass_kg, got "
                f"{self.min_mass_kg!r} and {self.max_mass_kg!r}"
            )


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
