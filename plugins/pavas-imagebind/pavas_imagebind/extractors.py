"""Embeddings of sounds and videos by ImageBind, from the package and the weights that the user has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import torch

from pavas_sdk.errors import MissingPluginError, MissingWeightsError, WeightsError
from pavas_sdk.interfaces import ComponentConfig, MetricExtractor, cache_folder
from pavas_sdk.models import imagebind_sound_input, imagebind_video_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.data import Audio, FrameSource
    from pavas_sdk.interfaces.metric_extractor import Medium

__all__ = ["ImageBindAudio", "ImageBindConfig", "ImageBindVideo"]

_MODULE = "imagebind.models.imagebind_model"
_FILE = "imagebind_huge.pth"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBindConfig(ComponentConfig):
    """Settings of both extractors.

    Attributes:
        weights: Path of ``imagebind_huge.pth``; "" for ``imagebind`` in the cache folder of pavas.
    """

    weights: str = ""


class _ImageBind(MetricExtractor):
    """The shared half: package, weights, mean over the pieces of a clip."""

    config_class: ClassVar[type[ComponentConfig]] = ImageBindConfig
    outputs: ClassVar[tuple[str, ...]] = ("embedding",)
    modality: ClassVar[str]

    _model: Any = None
    _device: Any = None

    @property
    def config(self) -> ImageBindConfig:
        """The frozen settings."""
        return cast("ImageBindConfig", self._config)

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move to a device; embeddings are defined in float32: ``dtype`` is ignored."""
        del dtype
        if device is not None:
            self._device = device
            if self._model is not None:
                self._model.to(device)
        return self

    def unload(self) -> None:
        """Free the model; the next use loads it again."""
        self._model = None

    def check_ready(self) -> None:
        """Raise if the package or the weights are missing.

        Raises:
            MissingPluginError: No module ``imagebind`` can be imported.
            MissingWeightsError: The file is not where it is looked for.
        """
        _package()
        self._path()

    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights file."""
        with self._path().open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return the means of the embeddings of each clip's pieces, (clips, 1024)."""
        package, model = _package(), self._loaded()
        pieces = torch.from_numpy(batch).to(self._device or "cpu")
        modality = getattr(package.ModalityType, self.modality)
        # one piece at a time in the place where the package would take the mean over pieces
        found: Tensor = model({modality: pieces.flatten(0, 1)[:, None]})[modality]
        mean = found.unflatten(0, pieces.shape[:2]).mean(dim=1)
        return {"embedding": mean.float().cpu().numpy()}

    def _loaded(self) -> Any:
        if self._model is None:
            path = self._path()
            model = _package().imagebind_huge(pretrained=False)
            try:
                weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
                model.load_state_dict(weights)
            # whatever a damaged or foreign file raises means the same here
            except Exception as err:
                raise WeightsError(
                    f"{path} does not hold the weights of ImageBind ({type(err).__name__}: "
                    f"{str(err).partition(chr(10))[0]}); get {_FILE} again"
                ) from err
            self._model = model.float().eval().requires_grad_(False)
            if self._device is not None:
                self._model.to(self._device)
        return self._model

    def _path(self) -> Path:
        named = self.config.weights
        path = Path(named).expanduser() if named else cache_folder() / "imagebind" / _FILE
        if not path.is_file():
            raise MissingWeightsError(
                f"{path} is missing (4.8 GB, CC-BY-NC-SA-4.0, not for commercial use); get {_FILE} "
                "from https://github.com/facebookresearch/ImageBind and put it there"
            )
        return path


class ImageBindAudio(_ImageBind):
    """Three pieces of 2 s of the whole file, first channel."""

    medium: ClassVar[Medium] = "audio"
    sample_rate_hz = 16000
    modality = "AUDIO"

    def prepare(self, medium: Audio, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return log-mel pictures, (3, 1, 128, 204); as in the public code the sound is not cut.

        Raises:
            InputError: Less than 2 s.
        """
        return imagebind_sound_input(medium).numpy()


class ImageBindVideo(_ImageBind):
    """A frame every 2 s, in pairs of neighbours, three crops of each."""

    medium: ClassVar[Medium] = "video"
    modality = "VISION"

    def prepare(self, medium: FrameSource, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return crops of pairs of frames, (pieces, 3, 2, 224, 224): 9 pieces of 8 s.

        Raises:
            InputError: Less than 4 s.
        """
        return imagebind_video_input(medium, length_s).numpy()


def _package() -> Any:
    try:
        return import_module(_MODULE)
    # its own old requirements fail in ways of their own
    except Exception as err:
        raise MissingPluginError(
            f"IB-score needs the package imagebind (CC-BY-NC-SA-4.0, not for commercial use), which "
            f"cannot be imported ({type(err).__name__}: {err}); type: pip install imagebind-unofficial"
        ) from err
