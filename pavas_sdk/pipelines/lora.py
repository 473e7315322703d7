"""LoRA by diffusers' method names, on the flow network."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from diffusers.loaders.lora_base import LoraBaseMixin

from pavas_sdk.data.paths import expanded
from pavas_sdk.data.source_names import public_source
from pavas_sdk.errors import ConfigurationError, PavasWarning, WeightsError
from pavas_sdk.models.lora import (
    LORA_FILE,
    check_lora_fits,
    lora_names,
    lora_state,
    read_lora,
    require_peft,
)
from pavas_sdk.pipelines.hub_folders import local_folder_of, revision_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["LoraMethods"]


class LoraMethods(LoraBaseMixin):  # type: ignore[misc]
    """Loading, weighing, fusing and saving LoRAs of a pipeline's transformer.

    From diffusers come ``set_adapters``, ``get_active_adapters``, ``get_list_adapters``,
    ``delete_adapters``, ``disable_lora``, ``enable_lora`` and ``set_lora_device``.
    """

    _lora_loadable_modules: ClassVar[list[str]] = ["transformer"]
    transformer_name = "transformer"

    @classmethod
    def lora_state_dict(
        cls,
        pretrained_model_name_or_path_or_dict: str | os.PathLike[str] | dict[str, Tensor],
        *,
        weight_name: str | None = None,
        return_lora_metadata: bool = False,
        **hub_options: Any,
    ) -> Any:
        """Return the tensors of a LoRA, and with ``return_lora_metadata`` its configuration.

        Args:
            pretrained_model_name_or_path_or_dict: A file, a folder, a Hub repository, or tensors.
            weight_name: The file in a folder or repository.
            return_lora_metadata: Return (tensors, configuration or None).
            **hub_options: ``revision, token, cache_dir, local_files_only, force_download``.

        Raises:
            WeightsError: There is no such file, or it holds something else.
        """
        if isinstance(pretrained_model_name_or_path_or_dict, dict):
            state, metadata = dict(pretrained_model_name_or_path_or_dict), None
        else:
            path = lora_file(pretrained_model_name_or_path_or_dict, weight_name, **hub_options)
            state, metadata = read_lora(path)
        return (state, metadata) if return_lora_metadata else state

    def load_lora_weights(
        self,
        pretrained_model_name_or_path_or_dict: str | os.PathLike[str] | dict[str, Tensor],
        adapter_name: str | None = None,
        *,
        weight_name: str | None = None,
        **hub_options: Any,
    ) -> None:
        """Attach a LoRA to the transformer.

        Args:
            pretrained_model_name_or_path_or_dict: A file, a folder, a Hub repository, or tensors.
            adapter_name: Its name in `set_adapters`; by default "default_0", "default_1", ...
            weight_name: The file in a folder or repository.
            **hub_options: ``revision, token, cache_dir, local_files_only, force_download``.

        Raises:
            ConfigurationError: peft is missing, or the name is taken.
            WeightsError: There is no such file, it is damaged, or of another backbone.
        """
        require_peft()
        source = pretrained_model_name_or_path_or_dict
        metadata: dict[str, Any] | None = None
        origin: dict[str, Any] = {"source": None, "sha256": None}
        if isinstance(source, dict):
            state, where = dict(source), Path("the given tensors")
        else:
            where = lora_file(source, weight_name, **hub_options)
            state, metadata = read_lora(where)
            origin = _origin(source, where)
        before = lora_names(self.transformer)
        if adapter_name in before:
            raise ConfigurationError(
                f"a LoRA named {adapter_name!r} is there already; choose another adapter_name, or "
                f'take it off: pipe.delete_adapters("{adapter_name}")'
            )
        if not before:  # a wrapped map has its weight inside
            check_lora_fits(state, self.transformer, where)
        if metadata is None:
            warnings.warn(
                f"{where} does not say its alpha: it is taken to be the rank, which is wrong if it "
                "was trained with another",
                PavasWarning,
                stacklevel=2,
            )
        try:
            with warnings.catch_warnings():
                # peft asks whether several LoRAs are meant: they are
                warnings.filterwarnings("ignore", message="Already found a `peft_config`")
                self.transformer.load_lora_adapter(
                    state, adapter_name=adapter_name, metadata=metadata, _pipeline=self
                )
        except (ValueError, RuntimeError, KeyError) as err:
            raise WeightsError(f"cannot attach {where}: {err}") from err
        (added,) = set(lora_names(self.transformer)) - set(before)
        self.__dict__.setdefault("_lora_origins", {})[added] = origin

    @classmethod
    def save_lora_weights(
        cls,
        save_directory: str | os.PathLike[str],
        transformer_lora_layers: dict[str, Tensor],
        *,
        transformer_lora_adapter_metadata: dict[str, Any],
        weight_name: str = LORA_FILE,
        is_main_process: bool = True,
    ) -> None:
        """Write a LoRA as one safetensors file.

        The configuration is not optional as in diffusers: without it a reader takes alpha to be
        the rank, without a word.

        Args:
            save_directory: Folder; made when missing.
            transformer_lora_layers: Tensors by name.
            transformer_lora_adapter_metadata: ``LoraConfig.to_dict()``.
            weight_name: Of the file.
            is_main_process: Whether this process writes.

        Raises:
            ConfigurationError: Nothing to save, or no configuration.
        """
        if not transformer_lora_layers or not transformer_lora_adapter_metadata:
            raise ConfigurationError(
                "save_lora_weights needs the layers and their LoraConfig.to_dict(), which says "
                "alpha; pavas_sdk.models.lora.lora_state(pipe.transformer, name) returns both"
            )
        cls._save_lora_weights(
            save_directory=save_directory,
            lora_layers={"transformer": transformer_lora_layers},
            lora_metadata={"transformer": dict(transformer_lora_adapter_metadata)},
            is_main_process=is_main_process,
            weight_name=weight_name,
        )

    def save_lora(self, save_directory: str | os.PathLike[str], adapter_name: str) -> None:
        """Write one of the attached LoRAs, with its configuration.

        Raises:
            ConfigurationError: No LoRA of this name is attached.
        """
        layers, metadata = lora_state(self.transformer, adapter_name)
        self.save_lora_weights(save_directory, layers, transformer_lora_adapter_metadata=metadata)

    def fuse_lora(
        self,
        components: Sequence[str] = ("transformer",),
        lora_scale: float = 1.0,
        safe_fusing: bool = False,
        adapter_names: list[str] | None = None,
        **options: Any,
    ) -> None:
        """Add the active LoRAs to the weights; arguments as in diffusers."""
        super().fuse_lora(
            components=list(components),
            lora_scale=lora_scale,
            safe_fusing=safe_fusing,
            adapter_names=adapter_names,
            **options,
        )

    def unfuse_lora(self, components: Sequence[str] = ("transformer",), **options: Any) -> None:
        """Undo `fuse_lora`, to rounding (3e-7): keep the weights where bits matter."""
        super().unfuse_lora(components=list(components), **options)

    def unload_lora_weights(self) -> None:
        """Take all LoRAs off; what was fused stays in the weights."""
        super().unload_lora_weights()
        self.__dict__.get("_lora_origins", {}).clear()

    def active_loras(self) -> list[dict[str, Any]]:
        """Return name, weight and origin of each LoRA in use: what provenance records.

        The origin is "source" (a Hub repository, or the name of a file or folder), "revision" (of
        a repository) and "sha256" of the file.
        """
        if not lora_names(self.transformer):
            return []
        weights = _weights(self.transformer)
        origins = self.__dict__.get("_lora_origins", {})
        return [
            {"name": name, "weight": weights.get(name, 1.0), **origins.get(name, {})}
            for name in self.transformer.active_adapters()
        ]


def lora_file(
    source: str | os.PathLike[str], weight_name: str | None = None, **hub_options: Any
) -> Path:
    """Return the file of a LoRA: given itself, in a folder, or in a Hub repository.

    Raises:
        WeightsError: There is none, or several and ``weight_name`` does not say which.
    """
    given = expanded(source)
    if given.is_file():
        return given
    folder = local_folder_of(source, patterns=("*.safetensors",), what="LoRA", **hub_options)
    if weight_name is not None:
        path = folder / weight_name
        if path.suffix == ".safetensors" and path.is_file():
            return path
        raise WeightsError(f"{source} has no safetensors file {weight_name}")
    if (folder / LORA_FILE).is_file():
        return folder / LORA_FILE
    found = sorted(folder.glob("*.safetensors"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise WeightsError(
            f"{source} has no LoRA as safetensors, and other forms are not read: they may run code. "
            f"Ask its author for {LORA_FILE}"
        )
    raise WeightsError(
        f"{source} has no {LORA_FILE}; safetensors files there: "
        f"{', '.join(path.name for path in found)}. Say which: weight_name=..., or give the file"
    )


def _origin(source: str | os.PathLike[str], file: Path) -> dict[str, Any]:
    """Return where a LoRA is from; a path of this machine is nobody else's business."""
    revisions = (revision_of(folder) for folder in file.parents)
    return {
        "source": public_source(source),
        **next(filter(None, revisions), {}),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def _weights(network: Any) -> dict[str, float]:
    """Weight of each LoRA: what peft scales by, without alpha / rank."""
    for module in network.modules():
        scaling, rank, alpha = (
            getattr(module, name, None) for name in ("scaling", "r", "lora_alpha")
        )
        if scaling and rank and alpha:
            return {name: scaling[name] * rank[name] / alpha[name] for name in scaling}
    return {}
