"""The pipeline that a training starts from: its parts are loaded when they are needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.documents import read_object
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import MMAudioTransformer, SequenceConfig
from pavas_sdk.models.weights import TensorFile
from pavas_sdk.pipelines.adapters import describe_backbone
from pavas_sdk.pipelines.saved import SavedPipeline, resolve_folder
from pavas_sdk.registry import default_registry

if TYPE_CHECKING:
    from pathlib import Path

    from pavas_sdk.data.adapter_document import AdapterBackbone
    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.training.datasets.layout import SetDescription, SetLayout

__all__ = ["BaseModel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A saved pipeline as the start of a training.

    Attributes:
        source: Preset, folder or Hub repository.
        folder: Where it lies on this machine.
        settings: Its ``model_index.json``.
    """

    source: str
    folder: Path
    settings: dict[str, Any]

    @classmethod
    def open(cls, source: str) -> BaseModel:
        """Find it; nothing is loaded yet.

        Raises:
            ComponentNotFoundError: Unknown preset.
            MissingPluginError: Its classes are of plugins that are not installed.
            WeightsError: There is no such folder or repository.
            ConfigurationError: Its flow network is of another class than is trained here.
        """
        registry = default_registry()
        folder = resolve_folder(source, registry=registry)
        saved = SavedPipeline.read(folder)
        saved.check(
            registry=registry, replaced=frozenset(("physics_estimator",)), without_estimator=True
        )
        named = saved.components.get("transformer", ("", ""))
        if named[1] != "MMAudioTransformer":
            raise ConfigurationError(
                f"{source} has the flow network {named[1] or 'none'}; MMAudioTransformer is trained"
            )
        return cls(source=source, folder=folder, settings=read_object(folder / "model_index.json"))

    @property
    def name(self) -> str:
        """Name of its weights."""
        return str(self.settings.get("name") or self.source)

    @property
    def licence(self) -> str:
        """Licence of its weights."""
        return str(self.settings.get("licence", ""))

    @property
    def latent_rate_hz(self) -> float:
        """Latents per second."""
        sequence = SequenceConfig(
            sample_rate_hz=int(self.settings["sample_rate_hz"]),
            hop_length=int(self.settings["hop_length"]),
            latent_downsample=int(self.settings["frames_per_latent"]),
        )
        return float(sequence.latent_rate_hz)

    def transformer(self) -> MMAudioTransformer:
        """Load the flow network, float32.

        Raises:
            WeightsError: Its weights are damaged or missing.
        """
        network: MMAudioTransformer = MMAudioTransformer.from_pretrained(
            self.folder / "transformer", use_safetensors=True
        )
        network.float()
        return network

    def new_transformer(self) -> MMAudioTransformer:
        """Return a flow network of its architecture with new weights of torch's generator."""
        config = MMAudioTransformer.load_config(self.folder / "transformer")
        network: MMAudioTransformer = MMAudioTransformer.from_config(config)
        return network

    def adapter(self) -> Any | None:
        """Load its conditioning adapter; None when it has none."""
        return self._part("conditioning_adapter")

    def _part(self, slot: str) -> Any | None:
        found = self.settings.get(slot)
        if not isinstance(found, list) or None in found:
            return None
        # checked in `open`: of an installed plugin, of diffusers or ours
        part = getattr(import_module(found[0]), found[1])
        return part.from_pretrained(self.folder / slot, use_safetensors=True)

    def pipeline(self, **components: Any) -> PavasPipeline:
        """Load the whole pipeline with some of its networks replaced."""
        from pavas_sdk.pipelines import PavasPipeline

        pipe: PavasPipeline = PavasPipeline.from_pretrained(self.folder, **components)
        return pipe

    def described(self) -> AdapterBackbone:
        """Return what an adapter that is trained on it belongs to."""
        visual = _Configured(
            self.settings["clip"][1], read_object(self.folder / "clip/config.json")
        )
        config = MMAudioTransformer.load_config(self.folder / "transformer")
        import torch

        with torch.device("meta"):
            network = MMAudioTransformer.from_config(config)
        return describe_backbone(
            network, visual.instance(), name=self.name, source=str(self.source)
        )

    def check_encoders(self, description: SetDescription) -> None:
        """Make sure that features were made by this pipeline's frozen encoders.

        Those of another model of the same family are the same, so the weights are compared, not
        names; nothing is read when the features name this very pipeline.

        Raises:
            ConfigurationError: Encoders differ: all are named.
            WeightsError: A file of theirs is damaged.
        """
        if description.model in (self.source, self.name):
            return
        wrong = [
            slot
            for slot, digest in description.encoders.items()
            if (own := stored_digest(self.folder / slot, slot)) is not None and own != digest
        ]
        if wrong:
            raise ConfigurationError(
                f"the features were made by another {', '.join(wrong)} (of {description.model}) "
                f"than {self.source} has; make them again: pavas prepare DATA --model "
                f"{self.source} -o FEATURES"
            )

    def check_features(self, layout: SetLayout) -> None:
        """Make sure that features were made for this backbone.

        Raises:
            ConfigurationError: Sizes differ: all are named.
        """
        config = MMAudioTransformer.load_config(self.folder / "transformer")
        known = {**_defaults(), **config}
        names = {"latent_dim": "latent_dim", "text_dim": "text_dim", "text_length": "text_length"}
        if layout.has_video:
            names |= {"clip_dim": "clip_dim", "sync_dim": "sync_dim"}
        wrong = [
            f"{name} is {getattr(layout, name)}, the backbone's is {known[theirs]}"
            for name, theirs in names.items()
            if getattr(layout, name) != known[theirs]
        ]
        if wrong:
            raise ConfigurationError(
                f"the features are of another backbone than {self.source}: {'; '.join(wrong)}. "
                f"Make them with: pavas prepare DATA --model {self.source} -o FEATURES"
            )


def stored_digest(folder: Path, slot: str) -> str | None:
    """Return the digest of a saved network as `encoder_digests` gives it; None without weights."""
    digest = hashlib.sha256()
    names: dict[str, TensorFile] = {}
    for path in sorted(folder.glob("*.safetensors")):
        names |= dict.fromkeys(tensor_file := TensorFile(path, dtype=None), tensor_file)
    for name in sorted(names):
        if slot == "vae" and name.startswith("decoder."):
            continue
        value = names[name][name]
        digest.update(f"{name} {tuple(value.shape)}".encode())
        digest.update(value.float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32] if names else None


def _defaults() -> dict[str, Any]:
    import inspect

    parameters = inspect.signature(MMAudioTransformer.__init__).parameters
    return {name: entry.default for name, entry in parameters.items()}


@dataclass(frozen=True, slots=True)
class _Configured:
    """A class by name with a configuration, for a description that needs no weights."""

    name: str
    config: dict[str, Any]

    def instance(self) -> Any:
        return type(self.name, (), {"config": self.config})()
