"""Published adapters: checked as a whole, put in, weighed, taken off again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from pavas_sdk import __version__
from pavas_sdk.data.adapter_document import AdapterBackbone, AdapterDocument
from pavas_sdk.data.source_names import public_source
from pavas_sdk.errors import (
    ComponentError,
    ConfigurationError,
    LicenceError,
    MissingPluginError,
    PavasError,
    WeightsError,
)
from pavas_sdk.models.lora import LORA_FILE
from pavas_sdk.pipelines.hub_folders import local_folder_of, revision_of
from pavas_sdk.pipelines.saved_networks import align, folder_differences
from pavas_sdk.registry import (
    component_ref,
    default_registry,
    is_non_commercial,
    version_range,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import nn

    from pavas_sdk.pipelines.pipeline import PavasPipeline
    from pavas_sdk.registry import RegisteredComponent, Registry

__all__ = [
    "AdapterMethods",
    "adapter_origin",
    "backbone_of",
    "check_adapter",
    "fetch_adapter",
    "load_network",
]

LORA_FOLDER = "transformer_lora"
_LORA_NAME = "of_the_adapter"
_PATTERNS = ("*.json", "*.safetensors", "README.md")


class AdapterMethods:
    """`load_adapter`, `unload_adapter`, `set_adapter_scale` of a pipeline."""

    def load_adapter(
        self,
        source: str | os.PathLike[str],
        *,
        scale: float = 1.0,
        any_backbone: bool = False,
        commercial_use: bool = False,
        registry: Registry | None = None,
        **hub_options: Any,
    ) -> None:
        """Put a published adapter in the place of the pipeline's own.

        Args:
            source: A folder, or a Hub repository, of which safetensors and JSON are fetched.
            scale: Of its shifts; see `set_adapter_scale`.
            any_backbone: Also take an adapter of another backbone, if it has the same
                architecture and visual encoder: a relative, trained on.
            commercial_use: Refuse an adapter whose licence is non-commercial.
            registry: Where plugins are looked up; the process default by default.
            **hub_options: ``revision, token, cache_dir, local_files_only, force_download``.

        Raises:
            MissingPluginError: The plugin that it needs is missing. With it, as in the next two,
                everything else that is wrong is told, too.
            LicenceError: ``commercial_use`` and a non-commercial licence.
            ConfigurationError: It belongs to another backbone, or to a whole pipeline.
            WeightsError: There is no such folder or repository, or its weights are damaged.
            FormatError: Its description is missing or malformed.
        """
        pipe = cast("PavasPipeline", self)
        folder = fetch_adapter(source, **hub_options)
        document = AdapterDocument.read(folder, source=os.fspath(source))
        entry = check_adapter(
            document,
            folder,
            backbone_of(pipe),
            registry=registry or default_registry(),
            any_backbone=any_backbone,
            commercial_use=commercial_use,
        )
        adapter = load_network(entry, folder, dtype=pipe.transformer.dtype).to(
            pipe._execution_device
        )
        pipe.unload_adapter()
        if document.backbone_changed == "lora":
            pipe.load_lora_weights(folder / LORA_FOLDER, adapter_name=_LORA_NAME)
        # What was there is kept for unload_adapter, also where that is None.
        pipe.__dict__["_own_adapter"] = (pipe.conditioning_adapter,)
        pipe.__dict__["_adapter_origin"] = adapter_origin(source, folder)
        pipe.register_modules(conditioning_adapter=adapter.eval())
        pipe.set_adapter_scale(scale)

    def unload_adapter(self) -> None:
        """Take the loaded adapter off; the pipeline's own, if it had one, is back."""
        pipe = cast("PavasPipeline", self)
        if "_own_adapter" not in pipe.__dict__:
            return
        (own,) = pipe.__dict__.pop("_own_adapter")
        pipe.__dict__.pop("_adapter_origin", None)
        if _LORA_NAME in (getattr(pipe.transformer, "peft_config", None) or ()):
            pipe.delete_adapters(_LORA_NAME)
        pipe.register_modules(conditioning_adapter=own)
        pipe.set_adapter_scale(1.0)

    def set_adapter_scale(self, scale: float) -> None:
        """Multiply the adapter's shifts: 1 as trained, 0 the backbone alone, to the bit.

        Raises:
            ConfigurationError: A negative number, or none.
        """
        if not 0.0 <= scale < float("inf"):
            raise ConfigurationError(f"scale must be 0 or more, got {scale}")
        self.__dict__["_adapter_scale"] = float(scale)

    @property
    def adapter_scale(self) -> float:
        """What the adapter's shifts are multiplied by."""
        return float(self.__dict__.get("_adapter_scale", 1.0))

    def adapter_provenance(self) -> dict[str, Any]:
        """Return scale and origin of an adapter that is not just the pipeline's own."""
        origin = self.__dict__.get("_adapter_origin")
        if origin is None and self.adapter_scale == 1.0:
            return {}
        return {**(origin or {}), "scale": self.adapter_scale}

    def describe_adapter(
        self,
        *,
        backbone_changed: str = "no",
        training: Mapping[str, Any] | None = None,
        licences: Mapping[str, str] | None = None,
        pipeline: str = "",
        registry: Registry | None = None,
    ) -> AdapterDocument:
        """Return the description under which the pipeline's adapter can be published.

        Args:
            backbone_changed: "no", "lora" or "full"; see `AdapterDocument`.
            training: Data, steps and numbers, as plain values.
            licences: Of "weights" and "data"; the backbone's is added.
            pipeline: Repository of the whole pipeline, for "full".
            registry: Where plugins are looked up; the process default by default.

        Raises:
            ConfigurationError: There is no adapter.
        """
        pipe = cast("PavasPipeline", self)
        adapter = pipe.conditioning_adapter
        if adapter is None:
            raise ConfigurationError("the pipeline has no conditioning adapter to describe")
        return AdapterDocument(
            # its configuration lies beside the weights
            component=replace(
                component_ref(adapter, kind="conditioning_adapter", registry=registry), config={}
            ),
            backbone=backbone_of(pipe),
            backbone_changed=backbone_changed,
            pipeline=pipeline,
            training=dict(training or {}),
            licences={"backbone": pipe.config.licence, **(licences or {})},
            pavas_sdk_version=__version__,
        )


def backbone_of(pipe: PavasPipeline) -> AdapterBackbone:
    """Return what an adapter of this pipeline belongs to."""
    return describe_backbone(
        pipe.transformer,
        pipe.clip,
        name=pipe.config.name,
        source=str(pipe.name_or_path or pipe.config.name),
    )


def describe_backbone(transformer: Any, visual: Any, *, name: str, source: str) -> AdapterBackbone:
    """Return what an adapter of these networks belongs to.

    Args:
        transformer: The flow network.
        visual: The visual encoder.
        name: Of the pipeline.
        source: Where it was loaded from; of a folder only the last part is kept.
    """
    sites = [
        (site.name, site.stream, list(site.params), site.dim, site.per_token)
        for site in (*transformer.modulation_sites, transformer.condition_site)
    ]
    config = {key: value for key, value in visual.config.items() if not key.startswith("_")}
    return AdapterBackbone(
        name=name,
        source=public_source(source),
        latent_dim=int(transformer.config["latent_dim"]),
        hidden_dim=int(transformer.config["hidden_dim"]),
        sites_sha256=AdapterBackbone.digest(sites),
        visual_encoder=type(visual).__name__,
        visual_sha256=AdapterBackbone.digest(config),
    )


def fetch_adapter(source: str | os.PathLike[str], **hub_options: Any) -> Path:
    """Return the folder of a published adapter, fetched where it is a repository.

    Raises:
        WeightsError: There is no such folder or repository.
    """
    return local_folder_of(source, patterns=_PATTERNS, what="published adapter", **hub_options)


def check_adapter(
    document: AdapterDocument,
    folder: Path,
    backbone: AdapterBackbone | None,
    *,
    registry: Registry,
    any_backbone: bool = False,
    commercial_use: bool = False,
) -> RegisteredComponent:
    """Return the component that an adapter needs, if nothing is wrong with it.

    Args:
        document: Of the adapter.
        folder: Where it lies.
        backbone: Of the pipeline; None: it is not compared.
        registry: What is installed.
        any_backbone: See `AdapterMethods.load_adapter`.
        commercial_use: Likewise.

    Raises:
        MissingPluginError: The plugin is missing.
        LicenceError: ``commercial_use`` and a non-commercial licence.
        ConfigurationError: Anything else. Each names all problems.
    """
    problems: list[tuple[type[PavasError], str]] = []
    entry = _component(document, registry, problems)
    if backbone is not None:
        lines = document.backbone.differences(backbone, any_name=any_backbone)
        problems += [(ConfigurationError, line) for line in lines]
    if document.backbone_changed == "full" and backbone is not None:
        where = document.pipeline or "the pipeline that it was trained in"
        problems.append(
            (
                ConfigurationError,
                (
                    "the whole backbone was trained with it, so alone it would not do what it did: "
                    f'PavasPipeline.from_pretrained("{where}")'
                ),
            )
        )
    if document.backbone_changed == "lora" and not (folder / LORA_FOLDER / LORA_FILE).is_file():
        problems.append((ConfigurationError, f"its {LORA_FOLDER}/{LORA_FILE} is missing"))
    if not list(folder.glob("*.safetensors")):
        problems.append(
            (ConfigurationError, "it has no weights as safetensors (others are not read)")
        )
    refused = [f"{k}: {v}" for k, v in document.licences.items() if v and is_non_commercial(v)]
    if commercial_use and refused:
        problems.append((LicenceError, f"not for commercial use: {', '.join(refused)}"))
    if problems or entry is None:
        kinds = [kind for kind, _ in problems]
        first = next((k for k in (MissingPluginError, LicenceError) if k in kinds), kinds[0])
        told = "\n".join(f"  {text}" for _, text in problems)
        raise first(f"the adapter in {folder} cannot be loaded:\n{told}")
    return entry


def _component(
    document: AdapterDocument, registry: Registry, problems: list[tuple[type[PavasError], str]]
) -> RegisteredComponent | None:
    ref = document.component
    try:
        return registry.get("conditioning_adapter", ref.qualified_name)
    except (ComponentError, ConfigurationError):
        wanted = version_range(ref.distribution, ref.version) if ref.distribution else ""
        install = f': pip install "{wanted}"' if wanted else ""
        problems.append(
            (MissingPluginError, f"its plugin {ref.qualified_name} is not installed{install}")
        )
        return None


def adapter_origin(source: str | os.PathLike[str], folder: Path) -> dict[str, Any]:
    """Return where an adapter is from: as given, the Hub's revision, SHA-256 of its weights.

    A folder of this machine is named by its last part alone.
    """
    return {"source": public_source(source), **revision_of(folder), "sha256": _digest(folder)}


def load_network(entry: RegisteredComponent, folder: Path, *, dtype: torch.dtype) -> nn.Module:
    """Return the adapter of a registered class with the weights of a folder.

    Raises:
        WeightsError: They are damaged, or belong to another configuration.
    """
    adapter_class = entry.load()
    try:
        adapter = adapter_class.from_pretrained(folder, use_safetensors=True, torch_dtype=dtype)
    except PavasError:
        raise
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as err:
        raise WeightsError(f"cannot load the adapter in {folder}: {err}") from err
    if lines := folder_differences(folder, adapter):
        raise WeightsError(
            f"the weights in {folder} do not belong to the adapter that its config.json describes "
            f"({len(lines)} differences): {'; '.join(lines[:4])}"
        )
    align(adapter)
    return cast("nn.Module", adapter)


def _digest(folder: Path) -> str:
    """SHA-256 over the adapter's weights."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
