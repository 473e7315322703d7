"""Where the weights are: a folder, the cache of the Hub, or not on this machine."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import MissingPluginError, MissingWeightsError, WeightsError
from pavas_sdk.interfaces import hub_folder

if TYPE_CHECKING:
    from pavas_florence_sam2.config import FlorenceSam2Config

__all__ = ["FLORENCE", "SAM2", "ModelFiles", "model_files"]

FLORENCE = {size: f"florence-community/Florence-2-{size}" for size in ("base", "large")}
"""Hub repositories of Florence-2 in the format of transformers."""

SAM2 = {size: f"facebook/sam2.1-hiera-{size}" for size in ("tiny", "small", "base-plus", "large")}
"""Hub repositories of SAM 2.1 in the format of transformers."""

_FILES = ("*.json", "*.safetensors", "*.txt")
_PACKAGES = ("torch", "torchvision", "transformers")
_KINDS = {"florence2": "Florence-2", "sam2_video": "SAM-2 video"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """What is needed on disk.

    Attributes:
        florence: Folder of Florence-2 and its processor.
        sam2: Folder of Sam2Video and its processor, or for the engine "sam2" a safetensors file.
    """

    florence: Path
    sam2: Path


def model_files(config: FlorenceSam2Config) -> ModelFiles:
    """Return where the weights are, downloading them if that is allowed.

    Everything that is missing is said in one message.

    Raises:
        MissingPluginError: A package is missing; the message also says which weights are.
        MissingWeightsError: Weights are not on this machine and could not be fetched.
        WeightsError: A folder holds another model.
    """
    packages = [*_PACKAGES, *(("sam2",) if config.engine == "sam2" else ())]
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    download = config.download and not missing
    problems: list[str] = []
    found: list[Path] = []
    for step in (_florence, _sam2):
        try:
            found.append(step(config, download))
        except MissingWeightsError as err:
            problems.append(str(err))
    if missing:
        names = " ".join(missing)
        line = f"Install them:   pip install {names}"
        text = [f"packages are not installed: {', '.join(missing)}", line, *problems]
        raise MissingPluginError("pavas-florence-sam2 cannot run:\n" + "\n".join(text))
    if problems:
        raise MissingWeightsError("pavas-florence-sam2 cannot run:\n" + "\n".join(problems))
    florence, sam2 = found
    return ModelFiles(florence=florence, sam2=sam2)


def _florence(config: FlorenceSam2Config, download: bool) -> Path:
    return _folder(
        config.florence, FLORENCE, config.florence_revision, "florence2", download=download
    )


def _sam2(config: FlorenceSam2Config, download: bool) -> Path:
    if config.engine == "transformers":
        return _folder(config.sam2, SAM2, config.sam2_revision, "sam2_video", download=download)
    file = Path(config.sam2_weights).expanduser()
    if config.sam2 not in SAM2:
        raise MissingWeightsError(
            f'with engine="sam2", sam2 must be one of {", ".join(SAM2)}, got {config.sam2!r}'
        )
    if not config.sam2_weights or not file.is_file():
        official = f"sam2.1_hiera_{config.sam2.replace('-', '_')}.pt"
        raise MissingWeightsError(
            f"the weights of SAM-2 for engine='sam2' are not there: sam2_weights="
            f"{config.sam2_weights!r}\n"
            f"Fetch them:     hf download {SAM2[config.sam2]} {official}\n"
            f"Convert them:   python -m pavas_florence_sam2.conversion {official} "
            f"sam2.1_{config.sam2}.safetensors\n"
            "Or use the engine of transformers: engine='transformers'"
        )
    return file


def _folder(
    name: str, known: dict[str, str], revision: str | None, kind: str, *, download: bool
) -> Path:
    local = Path(name).expanduser()
    if local.is_dir():
        return _checked(local, kind)
    repository = known.get(name, name)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise MissingWeightsError(
            f"there is no folder {name}; expected one of {', '.join(known)}, a Hub id such as "
            f"{next(iter(known.values()))}, or a folder with config.json and model.safetensors"
        )
    folder = hub_folder(
        repository, patterns=_FILES, revision=revision, download=download, what=_KINDS[kind]
    )
    return _checked(folder, kind)


def _checked(folder: Path, kind: str) -> Path:
    config = folder / "config.json"
    absent = [] if config.is_file() else ["config.json"]
    absent += [] if any(folder.glob("*.safetensors")) else ["*.safetensors"]
    if absent:
        raise MissingWeightsError(
            f"{folder} is no complete {_KINDS[kind]} model: it has no {', '.join(absent)}"
        )
    try:
        found = json.loads(config.read_text("utf-8")).get("model_type")
    except (OSError, ValueError) as err:
        raise WeightsError(f"{config} cannot be read: {err}") from err
    if found != kind:
        raise WeightsError(
            f"{folder} holds a model of type {found!r}; expected {kind} ({_KINDS[kind]})"
        )
    return folder
