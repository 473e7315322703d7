"""The one model that is in memory, for everybody who uses the page."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.registry import DEFAULTS, default_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["OWN_ESTIMATOR", "ModelHolder", "model_names"]

OWN_ESTIMATOR = "the model's own"


def model_names() -> list[str]:
    """Return the names of installed models, the default first."""
    found = [entry.qualified_name for entry in default_registry().components("pipeline")]
    default = DEFAULTS["pipeline"]
    return [default, *sorted(name for name in found if name != default)]


class ModelHolder:
    """Loads models, one at a time: the one before is let go first.

    Args:
        device: torch device.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._lock = Lock()
        self._key: tuple[str, str] | None = None
        self._pipe: PavasPipeline | None = None

    @property
    def loaded(self) -> str | None:
        """Name of the model in memory."""
        return None if self._key is None else self._key[0]

    @contextmanager
    def use(self, model: str, estimator: str = OWN_ESTIMATOR) -> Iterator[PavasPipeline]:
        """Give the model while nobody else uses it.

        Args:
            model: Preset, folder or Hub repository.
            estimator: "tiny", "paper", or `OWN_ESTIMATOR`.

        Raises:
            ComponentError: Plugins are missing, or a name is unknown.
            ConfigurationError: The device cannot be used.
            WeightsError: There is no such model.
        """
        with self._lock:
            if self._key != (model, estimator) or self._pipe is None:
                self._let_go()
                self._pipe = self._load(model, estimator)
                self._key = (model, estimator)
            yield self._pipe

    def stop(self) -> None:
        """Let the sound that is being made end after its present step."""
        if self._pipe is not None:
            self._pipe._interrupt = True  # diffusers' way

    def free(self) -> None:
        """Let the model go; the next use loads it again."""
        with self._lock:
            self._let_go()

    def _load(self, model: str, estimator: str) -> PavasPipeline:
        from diffusers.utils.logging import disable_progress_bar

        from pavas_sdk.pipelines import PavasPipeline

        disable_progress_bar()
        given: dict[str, Any] = (
            {} if estimator == OWN_ESTIMATOR else {"physics_estimator": estimator}
        )
        pipe: PavasPipeline = PavasPipeline.from_pretrained(model, **given)
        if self._device != "cpu":
            try:
                pipe.to(self._device)
            except (RuntimeError, AssertionError) as err:
                raise ConfigurationError(
                    f"the device {self._device} cannot be used here: {err}; leave it out to use the CPU"
                ) from err
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def _let_go(self) -> None:
        if self._pipe is None:
            return
        if self._pipe.physics_estimator is not None:
            self._pipe.physics_estimator.unload()
        self._pipe = self._key = None
        gc.collect()
        if self._device != "cpu":
            import torch

            torch.cuda.empty_cache()
