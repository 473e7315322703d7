"""What detector and mass estimator have in common: settings, device, and the engine they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pavas_qwen_vl import prompts
from pavas_qwen_vl.frames import Clip, sample_clip
from pavas_qwen_vl.sharing import engine_for, free_memory
from pavas_qwen_vl.weights import NAMES, SIZES, model_folder
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import Component

if TYPE_CHECKING:
    from pavas_qwen_vl.config import QwenVLConfig
    from pavas_qwen_vl.engine import Engine
    from pavas_sdk.data import FrameSource
    from pavas_sdk.interfaces import ComponentConfig

__all__ = ["QwenVLComponent"]


class QwenVLComponent(Component):
    """Holds an engine from the first use until `unload`."""

    size: ClassVar[str] = "7B"
    prompt: ClassVar[str]

    def __init__(self, config: ComponentConfig | None = None, **options: Any) -> None:
        """Take a config, or its fields as keywords.

        Raises:
            ConfigurationError: An option is unknown or impossible, or ``model`` is another size.
        """
        if config is None:
            options.setdefault("model", self.size)
        super().__init__(config, **options)
        settings: QwenVLConfig = self._config  # type: ignore[assignment]  # as config_class says
        if settings.engine == "transformers" and settings.model in set(SIZES) - {self.size}:
            # each size has a licence of its own, which belongs to the registered name
            raise ConfigurationError(
                f"this is the component of the {self.size} model; for the {settings.model} model "
                f'take "pavas-qwen-vl/{NAMES[settings.model]}"'
            )
        for name in (self.prompt, "repair"):
            if settings.prompt_version not in prompts.versions(name):
                prompts.render(name, settings.prompt_version)
        self._settings = settings
        self._engine: Engine | None = None
        self._device: Any = None
        self._dtype: Any = None

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Put the model on a device when it is used next; a loaded one of another place is freed."""
        if (device is not None and device != self._device) or (
            dtype is not None and dtype != self._dtype
        ):
            self.unload()
        self._device = self._device if device is None else device
        self._dtype = self._dtype if dtype is None else dtype
        return self

    def check_ready(self) -> None:
        """Raise if packages or weights are missing; a server is not asked.

        Raises:
            MissingPluginError: Packages are missing.
            MissingWeightsError: Weights are missing, and may not be fetched.
        """
        settings = self._settings
        if self._engine is None and settings.engine == "transformers" and not settings.download:
            model_folder(settings)

    def unload(self) -> None:
        """Let go of the model; it is freed when the other slot has let go too."""
        if self._engine is not None:
            self._engine = None
            free_memory()

    def engine(self) -> Engine:
        """Return the engine, loading it on the first use.

        Raises:
            PavasError: Packages or weights are missing, or they do not fit.
        """
        if self._engine is None:
            self._engine = engine_for(self._settings, self._device, self._dtype)
        return self._engine

    def _clip(self, video: FrameSource) -> Clip:
        settings = self._settings
        return sample_clip(
            video,
            fps=settings.fps,
            max_frames=settings.max_frames,
            max_pixels=settings.max_pixels,
        )
