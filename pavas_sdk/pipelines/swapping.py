"""A conditioning adapter by name, folder or Hub id, where a pipeline is loaded."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from pavas_sdk.data.adapter_document import ADAPTER_NAME
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ComponentNotFoundError, ConfigurationError, PavasWarning, WeightsError
from pavas_sdk.pipelines.adapters import adapter_origin, fetch_adapter, load_network

if TYPE_CHECKING:
    import os

    from pavas_sdk.pipelines.pipeline import PavasPipeline
    from pavas_sdk.pipelines.saved import SavedPipeline
    from pavas_sdk.registry import RegisteredComponent, Registry

__all__ = ["AdapterChoice", "choose_adapter", "refuse_words", "set_adapter"]

_SLOT = "conditioning_adapter"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterChoice:
    """What ``conditioning_adapter=`` means where it is a name.

    Attributes:
        source: As it was given.
        entry: The registered component, where it is the name of one.
        folder: Of weights, where it is a folder or a Hub repository.
        is_saved: It names the class that the pipeline was saved with: its weights are kept.
    """

    source: str
    entry: RegisteredComponent | None = None
    folder: Path | None = None
    is_saved: bool = False


def choose_adapter(
    source: str | os.PathLike[str], saved: SavedPipeline, *, registry: Registry, **hub_options: Any
) -> AdapterChoice:
    """Return what a name, a folder or a Hub repository means for a saved pipeline.

    Raises:
        ComponentNotFoundError: No such adapter is registered; the message guesses what was meant.
        WeightsError: There is no such folder or repository.
    """
    name = str(source)
    folder = expanded(source)
    if not folder.is_dir():
        try:
            entry = registry.get(_SLOT, name)
        except ComponentNotFoundError:
            if name.count("/") != 1:
                raise
        else:
            ref = saved.refs.get(_SLOT)
            module, _, class_name = entry.spec.target.partition(":")
            same = saved.components.get(_SLOT) == (module, class_name) or (
                ref is not None and ref.qualified_name == entry.qualified_name
            )
            return AdapterChoice(source=name, entry=entry, is_saved=same)
    return AdapterChoice(source=name, folder=fetch_adapter(source, **hub_options))


def set_adapter(
    pipe: PavasPipeline, choice: AdapterChoice, *, registry: Registry, commercial_use: bool
) -> None:
    """Put the chosen adapter into a pipeline that was loaded without one.

    A published folder is checked as by ``pipe.load_adapter``. A folder of weights alone is loaded
    by the registered class that its ``config.json`` names. A name gives a new adapter, which
    changes nothing until it is trained: that is warned of.

    Raises:
        ConfigurationError: It does not fit the backbone: both widths are named.
        WeightsError: The weights are damaged, or of no registered class.
        MissingPluginError: See ``pipe.load_adapter``.
        LicenceError: See ``pipe.load_adapter``.
    """
    if choice.folder is not None and (choice.folder / ADAPTER_NAME).is_file():
        pipe.load_adapter(choice.folder, registry=registry, commercial_use=commercial_use)
        pipe.__dict__["_adapter_origin"] = adapter_origin(choice.source, choice.folder)
        return
    if choice.folder is not None:
        entry = _entry_of(choice.folder, registry, source=choice.source)
        adapter: Any = load_network(entry, choice.folder, dtype=pipe.transformer.dtype)
        pipe.__dict__["_adapter_origin"] = adapter_origin(choice.source, choice.folder)
    else:
        assert choice.entry is not None
        adapter = _new(choice.entry, pipe)
        pipe.__dict__["_adapter_origin"] = {"source": choice.source, "untrained": True}
    pipe.register_modules(conditioning_adapter=adapter.to(pipe._execution_device).eval())
    pipe.check_components()


def refuse_words(replaced: dict[str, Any]) -> None:
    """Refuse names where networks are wanted.

    Raises:
        ConfigurationError: A component is text: what to type instead.
    """
    words = sorted(slot for slot, part in replaced.items() if isinstance(part, str | Path))
    if words == [_SLOT]:
        raise ConfigurationError(
            f"{_SLOT}={str(replaced[_SLOT])!r} is a name; put it into the pipeline that is made: "
            f"pipe.load_adapter({str(replaced[_SLOT])!r})"
        )
    if words:
        slot = words[0]
        raise ConfigurationError(
            f"{slot}={str(replaced[slot])!r} is a name, and {slot} takes a network: load it first, "
            f"{slot}=CLASS.from_pretrained({str(replaced[slot])!r}) with a class of "
            "pavas_sdk.models; only conditioning_adapter is found by name"
        )


def _entry_of(folder: Path, registry: Registry, *, source: str) -> RegisteredComponent:
    """Return the registered adapter whose class the folder's config names; ``source`` is told."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        class_name = str(config["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise WeightsError(
            f"{source} holds no adapter: expected {ADAPTER_NAME} (published), or a config.json that "
            "names a class, with safetensors"
        ) from err
    known = [
        entry
        for entry in registry.components(_SLOT)
        if entry.spec.target.partition(":")[2] == class_name
    ]
    if len(known) != 1:
        names = ", ".join(entry.qualified_name for entry in known) or "none"
        raise WeightsError(
            f"{source} holds a {class_name}, and registered adapters of that class are: {names}; "
            "install its plugin, or load it and pass the object: conditioning_adapter=adapter"
        )
    return known[0]


def _new(entry: RegisteredComponent, pipe: PavasPipeline) -> Any:
    """Return a new adapter for the backbone; its weights are the same every time."""
    config = cast("Any", pipe.clip).config
    patch_dim = config.get("patch_dim") or config.get("vision_width")
    if patch_dim is None:
        raise ConfigurationError(
            f"{type(pipe.clip).__name__} does not say how wide its patch features are; make the "
            "adapter yourself, CLASS.for_transformer(pipe.transformer, patch_dim=...), and pass it"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        adapter = entry.load().for_transformer(pipe.transformer, patch_dim=int(patch_dim))
    warnings.warn(
        f"{entry.qualified_name} is new and untrained: it changes no sound until it is trained "
        "(pavas train adapter) or weights are loaded (a folder or Hub repository instead of its "
        "name)",
        PavasWarning,
        stacklevel=5,
    )
    return adapter.to(pipe.transformer.dtype)
