"""Loading a folder that FastVideo converted: mapped name by name, once, into the cache."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.documents import read_object
from pavas_sdk.errors import FormatError, WeightsError
from pavas_sdk.registry.released_models import MMAUDIO_MODELS
from pavas_sdk.released.cache import locked, new_folder, pipelines_folder
from pavas_sdk.released.component_record import WEIGHTS_NAME
from pavas_sdk.released.mmaudio import MMAUDIO_RELEASES
from pavas_sdk.released.pipeline_folder import write_pipeline_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_fastvideo", "prepare_fastvideo"]


def is_fastvideo(folder: Path) -> bool:
    """Return whether ``folder`` is MMAudio in FastVideo's layout."""
    try:
        index = read_object(folder / "model_index.json")
    except FormatError:
        return False
    return index.get("_fastvideo_model_family") == "mmaudio"


def prepare_fastvideo(folder: Path) -> Path:
    """Return the folder of the same model in our layout, made on first use.

    Raises:
        WeightsError: A component is missing, damaged or holds other tensors.
        OutputError: The cache folder cannot be written.
    """
    from pavas_sdk.released.checkpoint import read_checkpoint
    from pavas_sdk.released.conversion import convert_component, sha256_of
    from pavas_sdk.released.fastvideo_components import FASTVIDEO_FOLDERS, fastvideo_component

    missing = [
        f"{name}/{file}"
        for names in FASTVIDEO_FOLDERS.values()
        for name in names
        for file in ("config.json", WEIGHTS_NAME)
        if not (folder / name / file).is_file()
    ]
    if missing:
        raise WeightsError(
            f"the FastVideo folder {folder} lacks {', '.join(missing)}; convert all components, "
            "not the transformer alone (--transformer-only)"
        )
    target = pipelines_folder() / f"fastvideo-{_fingerprint(folder)}"
    with locked(target):
        if (target / "model_index.json").is_file():
            return target
        release = MMAUDIO_RELEASES[_preset(folder)]
        with new_folder(target, replace=True) as temporary:
            made, parts = {}, []
            for part in release.components:
                names = FASTVIDEO_FOLDERS[part.slot]
                configs = {name: _json(folder / name / "config.json") for name in names}
                state: dict[str, Any] = {}
                for name in names:
                    state |= read_checkpoint(folder / name / WEIGHTS_NAME, again="FastVideo")
                part = fastvideo_component(part, configs, state)
                origin = {
                    "repository": "converted by FastVideo",
                    "path": ", ".join(f"{name}/{WEIGHTS_NAME}" for name in names),
                    "licence": part.file.licence,
                    "sha256": [sha256_of(folder / name / WEIGHTS_NAME) for name in names],
                }
                made[part.slot] = temporary / part.slot
                convert_component(part, folder, made[part.slot], origin=origin, official=state)
                parts.append(part)
                del state
            release = replace(release, components=tuple(parts))
            write_pipeline_folder(release, made, temporary, move=True)
    return target


def _preset(folder: Path) -> str:
    """Name of the released model whose settings fit: the large one for sizes never released."""
    from pavas_sdk.models import TRANSFORMER_VARIANTS

    config = _json(folder / "transformer" / "config.json")
    large = MMAUDIO_MODELS["large_44k_v2" if config.get("v2") else "large_44k"]
    for variant, model in MMAUDIO_MODELS.items():
        numbers = TRANSFORMER_VARIANTS[variant]
        same = all(config.get(n) == numbers[n] for n in ("latent_dim", "hidden_dim", "depth"))
        if same and model.version == large.version:
            return model.preset
    return large.preset


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except FormatError as err:
        raise WeightsError(f"{err}; convert the model again") from err


def _fingerprint(folder: Path) -> str:
    """Changes when a file of the folder is replaced; nothing large is read."""
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".json", ".safetensors"):
            facts = file.stat()
            digest.update(
                f"{file.relative_to(folder)} {facts.st_size} {facts.st_mtime_ns}".encode()
            )
    return digest.hexdigest()[:16]
