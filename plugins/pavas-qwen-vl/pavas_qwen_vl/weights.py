"""Where the weights are: a folder, the cache of the Hub, or not on this machine."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import MissingPluginError, MissingWeightsError

if TYPE_CHECKING:
    from pavas_qwen_vl.config import QwenVLConfig

__all__ = ["NAMES", "SIZES", "model_folder"]

_log = logging.getLogger(__name__)

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
    return _checked(_snapshot(config, repository, download=download))


def _snapshot(config: QwenVLConfig, repository: str, *, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    def get(*, local_only: bool) -> Path:
        return Path(
            snapshot_download(
                repository,
                revision=config.revision,
                allow_patterns=list(_FILES),
                local_files_only=local_only,
            )
        )

    try:
        return get(local_only=True)
    # The Hub's client raises errors of several families; none of them is the user's business.
    except Exception as err:  # noqa: BLE001
        reason: Exception = err
    if download:
        _log.info("fetching %s", repository)
        try:
            return get(local_only=False)
        except Exception as err:  # noqa: BLE001  # the same
            reason = err
    revision = f" --revision {config.revision}" if config.revision else ""
    at = f" at revision {config.revision!r}" if config.revision else ""
    raise MissingWeightsError(
        f"the weights of {repository}{at} are not on this machine "
        f"({type(reason).__name__}: {str(reason).splitlines()[0] if str(reason) else ''})\n"
        f"Files needed:   config.json, tokenizer and processor files, *.safetensors\n"
        f"Fetch them:     hf download {repository}{revision}\n"
        "Or name a folder that holds them (model=FOLDER), or let them be fetched now (download=True)"
    ) from reason


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
