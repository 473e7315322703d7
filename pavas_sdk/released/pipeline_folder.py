"""A pipeline folder from converted components, without loading any of them. No torch."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from pavas_sdk import __version__
from pavas_sdk.data import ComponentRef
from pavas_sdk.data.pipeline_origins import PipelineOrigins
from pavas_sdk.released.component_record import ComponentRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.released.releases import Release

__all__ = ["write_pipeline_folder"]


def write_pipeline_folder(
    release: Release, components: Mapping[str, Path], folder: Path, *, move: bool = False
) -> None:
    """Make the folder that `PavasPipeline.from_pretrained` loads.

    Args:
        release: What it is.
        components: Folder of each converted component, by slot.
        folder: Where; does not exist yet, its parent does.
        move: Move the components there; else their files are linked (copied where the file
            system has no hard links), so that several pipelines share them on disk.
    """
    folder.mkdir(exist_ok=True)
    records: dict[str, ComponentRecord] = {}
    for slot, source in components.items():
        target = folder / slot
        if not move:
            target.mkdir()
            for file in sorted(source.iterdir()):
                _link(file, target / file.name)
        elif source != target:
            source.rename(target)
        records[slot] = ComponentRecord.read(target)
    for slot, (_, class_name) in release.schedulers.items():
        (folder / slot).mkdir()
        config = {"_class_name": class_name, "_diffusers_version": _diffusers_version()}
        _write(folder / slot / "scheduler_config.json", config)
    _origins(release, records).write(folder)
    (folder / "README.md").write_text(_card(release), encoding="utf-8")
    _write(folder / "model_index.json", _index(release, records))


# Settings that a release need not name, as `PavasPipeline` has them.
_DEFAULTS = {
    "video_guidance_scale": None,
    "physics_guidance_scale": None,
    "output_gain_db": 0.0,
    "level_intercept_dbfs": None,
    "level_slope_db": None,
    "keep_in_negative": "",
    "noise_temperature": 1.0,
    "min_duration_s": 0.0,
}


def _index(release: Release, records: Mapping[str, ComponentRecord]) -> dict[str, Any]:
    return {
        "_class_name": "PavasPipeline",
        "_diffusers_version": _diffusers_version(),
        **{slot: list(record.network) for slot, record in records.items()},
        **{slot: list(names) for slot, names in release.schedulers.items()},
        "conditioning_adapter": [None, None],
        "name": release.name,
        "licence": release.licence,
        "component_licences": _licences(release),
        **_DEFAULTS,
        **release.settings,
    }


def _licences(release: Release) -> dict[str, str]:
    licences = {part.slot: part.file.licence for part in release.components}
    return licences | dict.fromkeys(release.schedulers, "Apache-2.0")


def _origins(release: Release, records: Mapping[str, ComponentRecord]) -> PipelineOrigins:
    classes = {slot: record.network[1] for slot, record in records.items()}
    classes |= {slot: class_name for slot, (_, class_name) in release.schedulers.items()}
    licences = _licences(release)
    return PipelineOrigins(
        components={
            slot: ComponentRef(
                kind=slot,
                name=name,
                distribution="pavas-sdk",
                version=__version__,
                licence=licences[slot],
            )
            for slot, name in classes.items()
        },
        sources={
            slot: {"official": record.official, "weights": record.weights}
            for slot, record in records.items()
        },
        pavas_sdk_version=__version__,
    )


def _card(release: Release) -> str:
    """The README that the Hub shows, with every licence."""
    rows = "\n".join(
        f"| {part.slot} | `{part.file.path}` of [{part.file.repository}]({part.file.url}) | "
        f"{part.file.licence} |"
        for part in release.components
    )
    return (
        "---\nlibrary_name: pavas_sdk\nlicense: other\n"
        f"license_name: {release.licence!r}\npipeline_tag: text-to-audio\n---\n"
        f"# {release.name}\n\n{release.summary}, converted by pavas_sdk {__version__}.\n\n"
        "```python\nfrom pavas_sdk import PavasPipeline\n\n"
        'pipe = PavasPipeline.from_pretrained("this repository")\n```\n\n'
        f"| part | official file | licence of the weights |\n|---|---|---|\n{rows}\n\n"
        "SHA-256 sums of the official files are in `pavas.json`.\n"
    )


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # no hard links here, or another file system
        shutil.copy2(file, target)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _diffusers_version() -> str:
    from importlib.metadata import version

    return version("diffusers")
