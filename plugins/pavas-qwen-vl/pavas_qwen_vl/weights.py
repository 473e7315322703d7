"""Where the weights are: a folder, the cache of the Hub, or not on this machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import MissingPluginError, MissingWeightsError
from pavas_sdk.interfaces import hub_folder

if TYPE_CHECKING:
    from pavas_qwen_vl.config import QwenVLConfig

__all__ = ["NAMES", "SIZES", "model_folder"]

SIZES = {size: f"Qwen/Qwen2.5-VL-{size}-Instruct" for size in ("3B", "7B", "72B")}
"""Hub repositories of the sizes known by name."""

NAMES = {"3B": "qwen-vl-3b", "7B": "qwen-vl", "72B": "qwen-vl-72b"}
"""Registered name of the components of each size."""

_FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja")
_PACKAGES = ("torch", "torchvision", "transformers", "accelerate")


def model_folder(config: QwenVLConfig) -> Path:
    """Return the folder with the weights, downloading them if that is allowed.

    Raises:
        MissingPluginError: A package is missing; the message also says whether weights are.
        MissingWeightsError: The weights are not on this machine and could not be fetched, or the
            folder lacks files.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if config.quantisation is not None and importlib.util.find_spec("bitsandbytes") is None:
        missing.append("bitsandbytes")
    try:
        folder = _folder(config, download=config.download and not missing)
    except MissingWeightsError as err:
        if not missing:
            raise
        raise MissingPluginError(f"{_packages(missing)}\n{err}") from err
    if missing:
        raise MissingPluginError(_packages(missing))
    return folder


def _packages(missing: list[str]) -> str:
    return (
        f"Qwen2.5-VL needs packages that are not installed: {', '.join(missing)}\n"
        f"Install them:   pip install {' '.join(missing)}"
    )


def _folder(config: QwenVLConfig, *, download: bool) -> Path:
    local = Path(config.model).expanduser()
    if local.is_dir():
        return _checked(local)
    repository = SIZES.get(config.model, config.model)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise MissingWeightsError(
            f"there is no folder {config.model}; expected one of {', '.join(SIZES)}, a Hub id such "
            "as Qwen/Qwen2.5-VL-7B-Instruct, or a folder with config.json and *.safetensors"
        )
    folder = hub_folder(
        repository,
        patterns=_FILES,
        revision=config.revision,
        download=download,
        what="Qwen2.5-VL",
    )
    return _checked(folder)


def _checked(folder: Path) -> Path:
    absent = [
        name
        for name in ("config.json", "preprocessor_config.json")
        if not (folder / name).is_file()
    ]
    if not any(folder.glob("*.safetensors")):
        absent.append("*.safetensors")
    if "preprocessor_config.json" in absent and (folder / "processor_config.json").is_file():
        absent.remove("preprocessor_config.json")
    if absent:
        raise MissingWeightsError(
            f"{folder} is no complete Qwen2.5-VL model: it has no {', '.join(absent)}. Save one "
            "with save_pretrained of the model and of its processor, or: hf download "
            f"{SIZES['7B']} --local-dir {folder.name}"
        )
    return folder
